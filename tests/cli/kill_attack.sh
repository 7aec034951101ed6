#!/usr/bin/env bash
# kill -9 while models are attacked by several recipes, then start again: same rows, no unit twice.
set -u
source tests/cli/common.bash
source tests/cli/kill.bash
study=(tests/cli/tiny.yaml --set pretrain.epochs=1 --set finetune.epochs=2 --set 'prune.methods=[]'
    --set soup.score=accuracy --set attack.transfer=false
    --set 'attack.recipes=[deepwordbug, a2t, textfooler-original]')
run() { ranks 2 run "${study[@]}" --set study.directory="$1"; }
# every line of an attack without the checksum before it, in any order
rows() { cut -f 2- "$1"/journal/attack.*.log | sort; }

run "$scratch/whole" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; check "the study runs" false; }
summary "$scratch/whole" >"$scratch/sum"
rows "$scratch/whole" >"$scratch/rows"
check "an example of a model by a recipe stands there once" test -z "$(cut -f 1,2 "$scratch/rows" | uniq -d)"

# a copy in which nothing is attacked yet
cp -r "$scratch/whole" "$scratch/begun"
rm -r "$scratch"/begun/{report,study.h5} "$scratch"/begun/journal/attack.*
for recipe in textfooler deepwordbug textfooler-original; do # the first of them has no name in its units
    dir=$scratch/$recipe
    cp -r "$scratch/begun" "$dir"
    sign="[[:space:]][a-z]* by $recipe[[:space:]]"
    [ $recipe = textfooler ] && sign=.
    run "$dir" >"$scratch/out.$recipe" 2>"$scratch/err.$recipe" &
    job=$!
    until grep -qs "$sign" "$dir"/journal/attack.*.log || ! kill -0 $job 2>/dev/null; do :; done
    kill_run "$dir"
    wait $job 2>/dev/null
    before=$(rows "$dir" | wc -l)
    check "killed in $recipe: no table yet" test ! -e "$dir/report/table.md"
    run "$dir" >"$scratch/again.$recipe" 2>"$scratch/err.$recipe" || cat "$scratch/err.$recipe"
    rows "$dir" >"$scratch/rows.$recipe"
    summary "$dir" >"$scratch/sum.$recipe"
    check "killed in $recipe: same rows, none twice" cmp "$scratch/rows" "$scratch/rows.$recipe"
    check "killed in $recipe: same models and report" cmp "$scratch/sum" "$scratch/sum.$recipe"
    check "killed in $recipe: same printed tables" cmp "$scratch/out" "$scratch/again.$recipe"
    echo "  $recipe: $before examples were done before the kill, $(wc -l <"$scratch/rows") in all"
done
finish
