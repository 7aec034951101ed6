#!/usr/bin/env bash
# `espalier oracle attack`: the recorded TextFooler run, word by word; a wrong line is noticed.
set -u
source tests/cli/common.bash
recorded=oracle/textfooler-sst2-tiny.jsonl
if [ ! -f "$shared/$recorded" ]; then
    echo "skipped: $shared/$recorded is not there (ESPALIER_SHARED)"
    exit 0
fi
"$espalier" oracle attack --shared "$shared" >"$scratch/out"
check "oracle attack" [ $? = 0 ]
check "150 attacks, none of which differs" grep -q '150 recorded, .* 0 differ;' "$scratch/out"
ranks 3 oracle attack --shared "$shared" >"$scratch/out3"
check "the same on 3 ranks" cmp "$scratch/out" "$scratch/out3"

# the same files by links, but one recorded line says something else
wrong() { # sed expression, what
    rm -rf "$scratch/wrong"
    mkdir -p "$scratch/wrong/oracle"
    for f in data models; do ln -s "$(realpath "$shared/$f")" "$scratch/wrong/$f"; done
    ln -s "$(realpath "$shared/oracle/textfooler-stopwords.txt")" "$scratch/wrong/oracle/"
    sed "$1" "$shared/$recorded" >"$scratch/wrong/$recorded"
    "$espalier" oracle attack --shared "$scratch/wrong" >"$scratch/out" 2>"$scratch/err"
    check "$2 is noticed" [ $? = 1 ]
}
wrong '3s/"queries": 24/"queries": 25/' "another number of queries"
check "and named" grep -q '^row 2: .*25 queries.*got success, 24 queries' "$scratch/out"
wrong '1s/"order": \[3, 6/"order": [6, 3/' "another order"
wrong '2s/somber/sombre/' "another word"
wrong '20s/"prob": 0.393108/"prob": 0.393208/' "another probability"
finish
