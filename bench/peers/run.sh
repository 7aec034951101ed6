#!/usr/bin/env bash
# Peers beside espalier, one thread each, in turns: `make bench NAME=peers`, `NAME=losses`, `NAME=textfooler`,
# `NAME=sparsegpt`.
#   PYTHON: an interpreter that has torch (default: Debian's, package python3-torch), and onnxruntime
#   NODE_PATH: where node finds onnxruntime-node, when Python has none
#   ESPALIER_DATA: SST-2, for real lengths; losses needs it, and a checkpoint (losses.yaml)
#   ESPALIER_SHARED: of textfooler: data/, oracle/ and models/ (default ../shared)
#   MODEL, ROWS, CHUNK: of textfooler: the victim's folder (default models/sst2-tiny), sentences (200), sentences a
#           turn (10); PADDING: 512 or longest alone (default: both)
#   SIZES:  of peers, default "tiny mini small base"
set -euo pipefail
name=${1:-peers}
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
python=${PYTHON:-/usr/bin/python3}
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
# a CPU that is newer than OpenBLAS: the peers too get the kernel that we choose (src/tensor/blas.c)
if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -q avx512dq /proc/cpuinfo; then
    export OPENBLAS_CORETYPE=SKYLAKEX
fi
"$python" -c 'import torch' 2>/dev/null || {
    echo "$python has no torch: apt-get install python3-torch, or set PYTHON" >&2
    exit 1
}
read -ra sizes <<<"${SIZES:-tiny mini small base}"
case $name in
peers) "$python" bench/peers/compare.py "$(realpath "$build")/bench/peers/turns" "${sizes[@]}" ;;
losses)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    "$build/bench/peers/losses" bench/peers/losses.yaml "$out"
    "$python" bench/peers/losses.py "$out"
    ;;
textfooler)
    shared=$(realpath "${ESPALIER_SHARED:-../shared}")
    "$python" bench/peers/textfooler.py --check "$shared/models/sst2-tiny" "$shared" 40
    "$python" bench/peers/attack_compare.py "$(realpath "$build")/bench/peers/attack_turns" \
        "${MODEL:-$shared/models/sst2-tiny}" "$shared" --rows "${ROWS:-200}" \
        --chunk "${CHUNK:-10}" ${PADDING:+--padding "$PADDING"}
    ;;
sparsegpt)
    for width in 768 3072; do
        "$python" bench/peers/sparsegpt.py "$(realpath "$build")/bench/peers/sparsegpt" "$width" 768
    done
    ;;
*) echo "usage: run.sh peers|losses|textfooler|sparsegpt" >&2 && exit 2 ;;
esac
