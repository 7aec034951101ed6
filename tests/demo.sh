#!/usr/bin/env bash
# make demo: the demo study on 2 ranks from embedded input, its table on the screen.
set -euo pipefail
build=${BUILD:-build}
dir=${RESULTS:-results}/demo
begin=$(date +%s)
rm -rf "$dir"
timeout -k 10 900 mpirun -n 2 "$build/espalier" run configs/demo.yaml --set study.directory="$dir"
echo
echo "$(($(date +%s) - begin)) seconds. In $dir: study.h5, report/index.html, models/ (Hugging Face layout)."
