#!/usr/bin/env bash
# A study gives the same bytes on 1, 2, 3 and 4 ranks: models, journals' contents, tables.
set -u
source tests/cli/common.bash
summary() { # folder: every file that may not depend on the number of ranks
    (cd "$1" && sha256sum models/*/* report/*) | sort -k2
}
for n in 1 2 3 4; do
    ranks "$n" run -q tests/cli/tiny.yaml --set study.directory="$scratch/r$n" >"$scratch/out$n" 2>"$scratch/err$n" ||
        { cat "$scratch/err$n"; check "study on $n ranks runs" false; continue; }
    summary "$scratch/r$n" >"$scratch/sum$n"
    check "models and report on $n ranks are those of 1 rank" cmp "$scratch/sum1" "$scratch/sum$n"
    check "printed tables on $n ranks are those of 1 rank" cmp "$scratch/out1" "$scratch/out$n"
    check "tables of study.h5 on $n ranks are those of 1 rank" \
        /usr/bin/python3 tests/cli/store_equal.py "$scratch/r1/study.h5" "$scratch/r$n/study.h5"
done
check "the diverging variant is recorded" grep -q "diverged" "$scratch/out1"
finish
