#!/usr/bin/env bash
# study.h5 as others read it: h5py, pandas and PyTables see the values, names, units and titles.
set -u
source tests/cli/common.bash
make --no-print-directory BUILD="$build" "$build/tests/mpi/test_store" >"$scratch/make" 2>&1 || cat "$scratch/make"
check "sample store is written on 3 ranks" \
    timeout -k 5 60 mpirun -n 3 "$build/tests/mpi/test_store" "$scratch/study.h5"
check "h5py, pandas and PyTables read it" /usr/bin/python3 -W error tests/cli/store_check.py "$scratch/study.h5"
check "h5ls reads it" grep -q "{7/Inf}" <(h5ls "$scratch/study.h5/models")
finish
