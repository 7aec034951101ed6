#!/usr/bin/env bash
# What is read out of recorded queries is what attacking again finds; the trace in study.h5 is whole.
set -u
source tests/cli/common.bash
source tests/cli/refuse.bash
study() { ranks 2 run -q tests/cli/tiny.yaml --set study.directory="$scratch/$1" --set report.variants=all "${@:2}" >"$scratch/$1.out" 2>"$scratch/err" || cat "$scratch/err"; }
study wide --set "attack.recipes=[deepwordbug]"
study narrow --set attack.query_budget=20 --set "attack.recipes=[deepwordbug]"
# "Aua [low, high]" of a model: from the report, and from the first's queries
told() { awk -F'  +' -v m="$2" '/^Accuracy, accuracy/ {on = 1} /^Counts/ {on = 0} on && $2 == m {print $7; exit}' "$scratch/$1.out"; }
for n in 1 2 3; do
    ranks "$n" attack --rescore "$scratch/wide" --queries 20,1000 >"$scratch/rescored$n" 2>"$scratch/err" || cat "$scratch/err"
    check "the same on $n ranks" cmp "$scratch/rescored1" "$scratch/rescored$n"
done
compared=0
for model in 'single (a)' 'single (b)' 'single (c)' 'best single (a)' 'best single (b)' 'best single (c)' 'uniform average (3)'; do
    [ -n "$(told wide "$model")" ] && [ -n "$(told narrow "$model")" ] || continue
    compared=$((compared + 1))
    check "$model with 20 queries" test "$(awk -F'  +' -v m="$model" '$2 == m && $3 == "queries <= 20" {print $5}' "$scratch/rescored1")" = "$(told narrow "$model")"
    check "$model as recorded" test "$(awk -F'  +' -v m="$model" '$2 == m && $3 == "queries <= 1000" {print $5}' "$scratch/rescored1")" = "$(told wide "$model")"
done
check "models were compared" test "$compared" -ge 3
# the further recipe: counts of /recipes
ranks 1 attack --rescore "$scratch/wide" --recipe deepwordbug --model uniform --queries 20 >"$scratch/edits" 2>"$scratch/err" || cat "$scratch/err"
check "deepwordbug with 20 queries" test \
    "$(awk -F'  +' '$3 == "queries <= 20" {print $5}' "$scratch/edits")" = \
    "$(awk -F'  +' '/^By recipe/ {on = 1} on && $2 == "uniform average (3)" && $3 == "deepwordbug" {print $6; exit}' "$scratch/narrow.out")"
check "one row a model and recipe" test "$(grep -c ' deepwordbug ' "$scratch/wide.out")" = 9
refused 2 '*was not attacked by pwws*' "$espalier" attack --rescore "$scratch/wide" --recipe pwws
check "a budget matters" test "$(told wide 'uniform average (3)')" != "$(told narrow 'uniform average (3)')"
check "h5py: texts, queries and changes fit together" /usr/bin/python3 tests/cli/trace_check.py "$scratch/wide/study.h5"
refused 2 '*less similar than the recorded*' "$espalier" attack --rescore "$scratch/wide" --similarity 0.5
refused 2 '*allowed fewer queries*' "$espalier" attack --rescore "$scratch/narrow" --queries 21
refused 2 '*no model "x": there are *' "$espalier" attack --rescore "$scratch/wide" --model x
refused 2 '*there is no such study*' "$espalier" attack --rescore "$scratch/nowhere"
refused 2 '*expected up to 32 numbers*' "$espalier" attack --rescore "$scratch/wide" --queries 5,x
refused 2 '*recipe pwws is named twice in attack.recipe and attack.recipes' \
    "$espalier" run tests/cli/tiny.yaml --set attack.recipe=pwws --set "attack.recipes=[a2t, pwws]"
# adversarial examples: as many as the report counts, every column there, colour only where it is seen
show() { timeout -k 5 60 "$espalier" attack --show "$scratch/wide" "$@" 2>"$scratch/err" || cat "$scratch/err"; }
successes=$(awk -F'  +' '/^Counts/ {on = 1} on && $2 == "uniform average (3)" {print $5; exit}' "$scratch/wide.out")
check "as many as the report counts" test "$(show --model uniform | grep -c '^  + .*\[\[.*\]\]')" = "$successes"
models=$(show | grep -c ', textfooler$')
show --outcome all --tsv >"$scratch/tsv"
check "TSV: a line an example" test "$(wc -l <"$scratch/tsv")" = $((60 * models + 1))
check "TSV: 13 columns" test "$(awk -F'\t' 'NF != 13' "$scratch/tsv" | wc -l)" = 0
check "TSV: changed texts where words changed" test \
    "$(awk -F'\t' 'NR > 1 && ($8 > 0) != ($12 != $13)' "$scratch/tsv" | wc -l)" = 0
check "the first two" test "$(show --model uniform --first 2 --recipe deepwordbug | grep -c '^row ')" = 2
check "no colour in a pipe" test "$(show | grep -c $'\033')" = 0
check "colour when asked for" test "$(show --model uniform --colour always | grep -c $'^  + .*\033\[32m')" = "$successes"
check "colour on a terminal" grep -q $'\033\[31m' <(script -qec "$espalier attack --show $scratch/wide" /dev/null)
check "NO_COLOR" test "$(NO_COLOR=1 script -qec "$espalier attack --show $scratch/wide" /dev/null | grep -c $'\033')" = 0
refused 2 '--outcome: expected success, *' "$espalier" attack --show "$scratch/wide" --outcome x
# without a trace the counts are the same, and what needs it says so
study untraced --set "attack.recipes=[deepwordbug]" --set attack.trace=false
check "the report does not depend on the trace" cmp "$scratch/wide/report/table.md" "$scratch/untraced/report/table.md"
refused 65 '*attack.trace was off*' "$espalier" attack --rescore "$scratch/untraced"
finish
