#!/usr/bin/env bash
# `espalier oracle encoder`: inside the tolerances; wrong or damaged vectors are noticed.
set -u
source tests/cli/common.bash
if [ ! -d "$shared/oracle/bert-2x32" ]; then
    echo "skipped: $shared/oracle/bert-2x32 is not there (ESPALIER_SHARED)"
    exit 0
fi
for model in bert-2x32 bert-3x24; do
    "$espalier" oracle encoder "$shared/oracle/$model" >"$scratch/out"
    check "oracle encoder $model" [ $? = 0 ]
    check "hidden states, losses, gradients, AdamW of $model" \
        [ "$(grep -cE '^(hidden.0|hidden.2|pooled|logits|loss|grad.|mlm.loss|mlm.grad.|adamw.) .*  ok' "$scratch/out")" = 9 ]
done
ranks 2 oracle encoder "$shared/oracle/$model" >"$scratch/out2"
check "the same figures on 2 ranks" cmp "$scratch/out" "$scratch/out2"

# one expected hidden state made larger, in its exponent
vectors=$shared/oracle/bert-2x32/vectors.safetensors
cp -r "$shared/oracle/bert-2x32" "$scratch/wrong"
chmod -R u+w "$scratch/wrong"
header=$(od -An -tu8 -N8 "$vectors")
start=$(head -c $((8 + header)) "$vectors" | grep -ao '"hidden.1": *{[^}]*' | grep -o '\[[0-9]*, *[0-9]*\]$' | tr -d '[] ' | cut -d, -f1)
printf '\x42' | dd of="$scratch/wrong/vectors.safetensors" bs=1 seek=$((8 + header + start + 3)) conv=notrunc status=none
"$espalier" oracle encoder "$scratch/wrong" >"$scratch/out" 2>"$scratch/err"
check "a wrong hidden state is noticed" [ $? = 1 ]
check "and named" grep -q '^hidden.1 .*WRONG' "$scratch/out"

head -c 5000 "$shared/oracle/bert-2x32/model.safetensors" >"$scratch/wrong/model.safetensors"
"$espalier" oracle encoder "$scratch/wrong" >"$scratch/out" 2>"$scratch/err"
check "a truncated model is refused as bad data" [ $? = 65 ]
finish
