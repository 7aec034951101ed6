#!/usr/bin/env bash
# A variant more in a finished study: only it is trained, and all tables are those of a study that
# had it from the start. What a name stands for cannot change, nor can anything but variants.
set -u
source tests/cli/common.bash
less='[{name: a, seed: 1}, {name: broken, learning_rate: 900.0, clip: 0.0, warmup: 0.0}, {name: scratch, init: random}]'
more='[{name: new, seed: 2, epochs: 3}, {name: a, seed: 1}, {name: broken, learning_rate: 900.0, clip: 0.0, warmup: 0.0}, {name: scratch, init: random}]'
other='[{name: a, seed: 1, epochs: 3}]'
run() { ranks 2 run tests/cli/tiny.yaml --set finetune.epochs=4 --set study.directory="$1" --set finetune.variants="$2" "${@:3}"; }
summary() { (cd "$1" && sha256sum models/*/* report/*) | sort -k2; }
begun() { cat "$1"/journal/begun.*.log | grep -c begun; }

run "$scratch/whole" "$more" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; check "the study runs" false; }
run "$scratch/grown" "$less" >"$scratch/first" 2>"$scratch/err" || { cat "$scratch/err"; check "the smaller study runs" false; }
check "three variants were begun" test "$(begun "$scratch/grown")" = 3
run "$scratch/grown" "$more" >"$scratch/then" 2>"$scratch/err" || { cat "$scratch/err"; check "the grown study runs" false; }
check "one more was begun" test "$(begun "$scratch/grown")" = 4
check "it is said" grep -q "the study had 3 variants and has 4 now" "$scratch/err"
check "the same tables" cmp "$scratch/out" "$scratch/then"
summary "$scratch/whole" >"$scratch/sum"
summary "$scratch/grown" >"$scratch/sum2"
check "the same models and report" cmp "$scratch/sum" "$scratch/sum2"

# and back
run "$scratch/grown" "$less" >"$scratch/back" 2>/dev/null
check "taken out again: the first tables" cmp "$scratch/first" "$scratch/back"
check "nothing is trained for that" test "$(begun "$scratch/grown")" = 4

run "$scratch/grown" "$other" >/dev/null 2>"$scratch/err"
check "another training under a name is refused" test $? = 2
check "by its name" grep -q "variant a of the study in .* has other options" "$scratch/err"
run "$scratch/grown" "$less" --set soup.examples=21 >/dev/null 2>"$scratch/err"
check "another option is refused" test $? = 2
check "with its line" grep -q "was written by another study (they differ in its line [0-9]*)" "$scratch/err"
run "$scratch/grown" "$less" >"$scratch/back" 2>/dev/null
check "and nothing was lost by asking" cmp "$scratch/first" "$scratch/back"
finish
