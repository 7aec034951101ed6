#!/usr/bin/env bash
# `espalier oracle tags`: every recorded tag; a wrong one is noticed.
set -u
source tests/cli/common.bash
weights=$shared/data/pos/nltk-perceptron.json
tags=$shared/oracle/nltk-tags.tsv
if [ ! -f "$weights" ] || [ ! -f "$tags" ]; then
    echo "skipped: $tags or $weights is not there (ESPALIER_SHARED)"
    exit 0
fi
"$espalier" oracle tags --tagger "$weights" "$tags" >"$scratch/out"
check "oracle tags" [ $? = 0 ]
check "0 differences" grep -q '1860 texts, 40946 words, 0 differences' "$scratch/out"

sed '100s/\t.*/\tNNPS\tNOUN/' "$tags" >"$scratch/wrong.tsv"
"$espalier" oracle tags --tagger "$weights" "$scratch/wrong.tsv" >"$scratch/out" 2>"$scratch/err"
check "a wrong tag is noticed" [ $? = 1 ]
check "and named" grep -q 'wrong.tsv:100: .*expected NNPS NOUN' "$scratch/out"

sed '7s/\t.*//' "$tags" >"$scratch/short.tsv"
"$espalier" oracle tags --tagger "$weights" "$scratch/short.tsv" >"$scratch/out" 2>"$scratch/err"
check "a line without tags is refused as bad data" [ $? = 65 ]
check "with its place" grep -q 'short.tsv:7: ' "$scratch/err"
finish
