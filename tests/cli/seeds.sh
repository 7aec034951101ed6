#!/usr/bin/env bash
# A study over seeds: all at once, or one by one in any order, give the same reports; each is a study.
set -u
source tests/cli/common.bash
source tests/cli/refuse.bash
base=(tests/cli/tiny.yaml --set 'seeds=[2,5]' --set finetune.epochs=1 --set attack.examples=20
    --set pretrain.epochs=1 --set prune.methods='[magnitude]' --set soup.examples=10)
ranks 2 run -q "${base[@]}" --set study.directory="$scratch/all" >"$scratch/out.all" 2>"$scratch/err" || cat "$scratch/err"
for k in 5 2; do
    ranks 1 run -q "${base[@]}" --set study.directory="$scratch/one" --seed $k >"$scratch/out.$k" 2>"$scratch/err" || cat "$scratch/err"
    check "seed $k alone prints its own table" grep -q '^  best single' "$scratch/out.$k"
done
check "no common report before it is asked for" test ! -e "$scratch/one/report"
ranks 3 report -q "${base[@]}" --set study.directory="$scratch/one" >"$scratch/out.one" 2>"$scratch/err" || cat "$scratch/err"
check "one by one is all at once" cmp "$scratch/out.all" "$scratch/out.one"
for f in report/table.md report/table.tex report/table.csv report/seeds.csv report/index.html study.yaml; do
    check "$f too" cmp "$scratch/all/$f" "$scratch/one/$f"
done
check "tables of study.h5 too" /usr/bin/python3 tests/cli/store_equal.py "$scratch/all/study.h5" "$scratch/one/study.h5"
check "mean and deviation are printed" grep -qE '^  greedy average +0 % .* ± ' "$scratch/out.all"
check "and stored: six rows of five measures" test "$(h5ls "$scratch/all/study.h5/seeds")" = "seeds                    Dataset {30/Inf}"
check "the examples are the same" cmp "$scratch/all/seed-2/data/test.tsv" "$scratch/all/seed-5/data/test.tsv"
check "the models are not" test "$(cmp "$scratch/all/seed-2/models/start/model.safetensors" "$scratch/all/seed-5/models/start/model.safetensors")"
refused 2 '*: seed 3 is none of the study*: 2, 5' "$espalier" run "${base[@]}" --set study.directory="$scratch/all" --seed 3
refused 2 '*: the study is not repeated: *' "$espalier" run tests/cli/tiny.yaml --set study.directory="$scratch/none" --seed 3
refused 2 '*--seed: expected one of the study*seeds, got "x"' "$espalier" run tests/cli/tiny.yaml --seed x
finish
