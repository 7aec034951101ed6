#!/usr/bin/env bash
# A sweep that is stopped inside a variant goes on inside it; what a study would take is said, and
# nothing is trained where there is not enough memory.
set -u
source tests/cli/common.bash
tune() { ranks "$1" finetune tests/cli/tiny.yaml --set pretrain.epochs=1 --set study.directory="$2" "${@:3}"; }
models() { (cd "$1" && sha256sum models/*/model.safetensors) | sort -k2; }
plan() { "$espalier" plan tests/cli/tiny.yaml "$@" >"$scratch/plan" 2>"$scratch/err"; }

tune 2 "$scratch/whole" 2>"$scratch/err" || { cat "$scratch/err"; check "the sweep runs" false; }
check "its share of time in training is said" grep -q "% of the ranks' [0-9]* s went into training" "$scratch/err"
check "no checkpoint is left" test ! -e "$scratch/whole/checkpoints"
models "$scratch/whole" >"$scratch/sum"

# 560 boundaries are past pre-training and inside the first variant
ranks 1 finetune tests/cli/tiny.yaml --set pretrain.epochs=1 --set study.directory="$scratch/parts" --self-interrupt 560 2>"$scratch/err"
code=$?
[ $code = 75 ] || [ -e "$scratch/parts/stopped" ]
check "stopped on request ($code)" test $? = 0
check "a variant's state is kept" compgen -G "$scratch/parts/checkpoints/*.checkpoint"
check "no more than begun" test "$(cat "$scratch/parts"/journal/begun.*.log | grep -c left)" = 1
tune 2 "$scratch/parts" 2>"$scratch/err" || cat "$scratch/err"
models "$scratch/parts" >"$scratch/sum2"
check "the same models" cmp "$scratch/sum" "$scratch/sum2"
check "no checkpoint is left" test ! -e "$scratch/parts/checkpoints"

# plans
plan --no-calibrate --set study.directory="$scratch/never" || cat "$scratch/err"
check "a plan makes no folder" test ! -e "$scratch/never"
check "a plan lists every variant" test "$(grep -c '{name: ' "$scratch/plan")" = 5
check "steps are counted" grep -q "^c  *1  *300 " "$scratch/plan"
check "no times without measuring" test -z "$(grep core-hours "$scratch/plan")"
plan --no-calibrate --set 'seeds=[2,5]' || cat "$scratch/err"
check "disk of all repetitions" grep -q "^disk, GiB: .* for 20 models" "$scratch/plan"
plan --no-calibrate --set 'seeds=[2,5]' --seed 5 || cat "$scratch/err"
check "or of one" grep -q "^disk, GiB: .* for 10 models" "$scratch/plan"
check "with its seeds" grep -q "{name: a, seed: 5001}" "$scratch/plan"
plan --ranks 3 || cat "$scratch/err"
check "core-hours of every stage" test "$(grep -cE '^(pretrain|finetune|soup|prune|attack|all) +[0-9.]+ ' "$scratch/plan")" = 6
check "for so many ranks" grep -q "^fine-tuning on 3 ranks: " "$scratch/plan"
plan --no-calibrate --set model.layers=24 --set model.hidden=1024 --set model.heads=16 --set model.feed_forward=4096 || cat "$scratch/err"
check "BERT-large's blocks" grep -qE "^finetune +[0-9.]+: parameters 1\.1" "$scratch/plan"

# recorded queries: of every model by every recipe, on every rank; none without a trace
millions() { sed -n 's/^attack .*: \([0-9.e+-]*\) million recorded queries of '"$1"' attacks .*/\1/p' "$scratch/plan"; }
plan --no-calibrate --set 'prune.methods=[]' --set attack.examples=50
one=$(millions 4)
plan --no-calibrate --set 'prune.methods=[]' --set attack.examples=50 --set 'attack.recipes=[pwws, a2t]'
check "recipes multiply recorded queries" awk "BEGIN { exit !($one > 0 && ($(millions 12) / $one - 3) ^ 2 < 0.001) }"
plan --no-calibrate --set attack.trace=false
check "no trace, no queries" test "$(millions 6)" = 0

# too little memory
export SLURM_MEM_PER_NODE=20
plan --no-calibrate --set pretrain.epochs=0
check "a plan that does not fit fails" test $? = 1
check "and is printed" grep -q "^there is  *0.0" "$scratch/plan"
check "by what" grep -q "not enough memory for fine-tuning: .* by SLURM_MEM_PER_NODE" "$scratch/err"
tune 1 "$scratch/small" --set pretrain.epochs=0 2>"$scratch/err"
check "fine-tuning does not begin" test $? = 1
check "and says why" grep -q "not enough memory for fine-tuning" "$scratch/err"
check "before training" test ! -e "$scratch/small/models/a"
tune 1 "$scratch/small2" 2>"$scratch/err"
check "pre-training does not begin" grep -q "not enough memory for pre-training" "$scratch/err"
finish
