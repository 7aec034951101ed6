#!/usr/bin/env bash
# kill -9 in every stage, then start again: same tables, finished units are not done again.
set -u
source tests/cli/common.bash
source tests/cli/kill.bash
source tests/cli/refuse.bash
run() { ranks 2 run tests/cli/tiny.yaml --set study.directory="$1"; }
# lines of finished units: what was begun and how long it took is said once a start
units() { find "$1/journal" -name '*.log' ! -name 'begun.*' ! -name 'usage.*' -exec cat {} + 2>/dev/null | wc -l; }

run "$scratch/whole" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; check "the study runs" false; }
summary "$scratch/whole" >"$scratch/sum"

# a stage has begun once its sign is in the folder
declare -A sign=([pretrain]=pretrain.checkpoint [finetune]='journal/finetune.*.log' [soup]='journal/heldout.*.log'
    [prune]='models/greedy/model.safetensors' [attack]='journal/attack.*.log')
for stage in pretrain finetune soup prune attack; do
    dir=$scratch/$stage
    run "$dir" >"$scratch/out.$stage" 2>"$scratch/err.$stage" &
    job=$!
    # no pause: a stage of this study lasts some tenths of a second
    until compgen -G "$dir/${sign[$stage]}" >/dev/null || ! kill -0 $job 2>/dev/null; do :; done
    kill_run "$dir"
    wait $job 2>/dev/null
    before=$(units "$dir")
    check "killed in $stage: no table yet" test ! -e "$dir/report/table.md"
    run "$dir" >"$scratch/again.$stage" 2>"$scratch/err.$stage" || cat "$scratch/err.$stage"
    summary "$dir" >"$scratch/sum.$stage"
    check "killed in $stage: same models and report" cmp "$scratch/sum" "$scratch/sum.$stage"
    check "killed in $stage: same printed tables" cmp "$scratch/out" "$scratch/again.$stage"
    check "killed in $stage: no unit twice" test "$(units "$dir")" = "$(units "$scratch/whole")"
    echo "  $stage: $before units were done before the kill, $(units "$dir") in all"
done

# a checkpoint that lost its end, or its disk lost it: the older one is used, and that is said
cut=(run tests/cli/tiny.yaml --set study.directory="$scratch/cut")
for at in 60 20; do # pre-training keeps a checkpoint at step 50 and when it is stopped
    ranks 2 "${cut[@]}" --self-interrupt $at >/dev/null 2>&1
done
check "two generations" test -e "$scratch/cut/pretrain.checkpoint.1"
truncate -s -1000 "$scratch/cut/pretrain.checkpoint"
cp -r "$scratch/cut" "$scratch/both"
ranks 2 "${cut[@]}" >"$scratch/again.cut" 2>"$scratch/err.cut" || cat "$scratch/err.cut"
check "said" grep -q '^warning: .*pretrain.checkpoint: .*going on from the older one, step' "$scratch/err.cut"
summary "$scratch/cut" >"$scratch/sum.cut"
check "a truncated checkpoint: same models and report" cmp "$scratch/sum" "$scratch/sum.cut"
check "a truncated checkpoint: same printed tables" cmp "$scratch/out" "$scratch/again.cut"
truncate -s 100 "$scratch/both/pretrain.checkpoint.1"
refused 65 'no checkpoint is whole; remove both/pretrain.checkpoint and this to start over: *' \
    "$espalier" run tests/cli/tiny.yaml --set study.directory="$scratch/both"

# a finished study computes nothing again
units "$scratch/whole" >"$scratch/units"
run "$scratch/whole" >"$scratch/out2" 2>/dev/null
check "a finished study prints the same tables" cmp "$scratch/out" "$scratch/out2"
check "a finished study does nothing again" test "$(units "$scratch/whole")" = "$(cat "$scratch/units")"
finish
