#!/usr/bin/env bash
# `espalier oracle prune`: inside the tolerances on any number of ranks; wrong or damaged vectors are noticed.
set -u
source tests/cli/common.bash
vectors=$shared/oracle/prune-16x24.safetensors
if [ ! -f "$vectors" ]; then
    echo "skipped: $vectors is not there (ESPALIER_SHARED)"
    exit 0
fi
for n in 1 2 3; do
    ranks "$n" oracle prune "$vectors" >"$scratch/out$n"
    check "oracle prune on $n ranks" [ $? = 0 ]
    check "the same figures on $n ranks" cmp "$scratch/out1" "$scratch/out$n"
done
check "65 figures" [ "$(grep -c 'tolerance' "$scratch/out1")" = 65 ]

# one byte of the first expected weight of obs.0.5.weight: noticed, exit 1
cp "$vectors" "$scratch/wrong.safetensors"
header=$(od -An -tu8 -N8 "$vectors")
start=$(head -c $((8 + header)) "$vectors" | grep -ao '"obs.0.5.weight":{[^}]*' | grep -o '\[[0-9]*,[0-9]*\]$' | tr -d '[]' | cut -d, -f1)
printf '\x40' | dd of="$scratch/wrong.safetensors" bs=1 seek=$((8 + header + start + 7)) conv=notrunc status=none
"$espalier" oracle prune "$scratch/wrong.safetensors" >"$scratch/out" 2>"$scratch/err"
check "a wrong weight is noticed" [ $? = 1 ]
check "and named" grep -q 'obs.0.5.weight .*WRONG' "$scratch/out"

head -c 100000 "$vectors" >"$scratch/short.safetensors"
"$espalier" oracle prune "$scratch/short.safetensors" >"$scratch/out" 2>"$scratch/err"
check "a truncated file is refused as bad data" [ $? = 65 ]
finish
