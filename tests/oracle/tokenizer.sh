#!/usr/bin/env bash
# `espalier oracle tokenizer`: 0 differences on the recorded ids; a wrong id and a damaged line are noticed.
set -u
source tests/cli/common.bash
vocab=$shared/data/vocab/bert-base-uncased.txt
vectors=$shared/oracle/wordpiece-bert-base-uncased.tsv
if [ ! -f "$vectors" ] || [ ! -f "$vocab" ]; then
    echo "skipped: $vectors or $vocab is not there (ESPALIER_SHARED)"
    exit 0
fi
for n in 1 2; do
    ranks "$n" oracle tokenizer --vocab "$vocab" "$vectors" >"$scratch/out$n"
    check "oracle tokenizer on $n ranks" [ $? = 0 ]
    check "0 differences on $n ranks" grep -qx 'tokenizer: 7284 lines, 0 differences' "$scratch/out$n"
done

sed '100s/$/1/' "$vectors" >"$scratch/wrong.tsv"
"$espalier" oracle tokenizer --vocab "$vocab" "$scratch/wrong.tsv" >"$scratch/out" 2>"$scratch/err"
check "a wrong id is noticed" [ $? = 1 ]
check "its line is named" grep -q 'wrong.tsv:100: expected' "$scratch/out"
check "the others are compared" grep -qx 'tokenizer: 7284 lines, 1 differences' "$scratch/out"

sed '7s/\t.*//' "$vectors" >"$scratch/damaged.tsv"
"$espalier" oracle tokenizer --vocab "$vocab" "$scratch/damaged.tsv" >"$scratch/out" 2>"$scratch/err"
check "a line without ids is refused as bad data" [ $? = 65 ]
check "its line is named" grep -q 'damaged.tsv:7: expected text, a tab, ids' "$scratch/err"

grep -v '^\[UNK\]$' "$vocab" >"$scratch/vocab.txt"
"$espalier" oracle tokenizer --vocab "$scratch/vocab.txt" "$vectors" >"$scratch/out" 2>"$scratch/err"
check "a vocabulary without [UNK] is refused as bad data" [ $? = 65 ]
finish
