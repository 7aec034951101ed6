#!/usr/bin/env bash
# pruned models: several at a time by groups of ranks, written without their zeros and read again,
# fine-tuned on with their masks
. tests/cli/common.bash
. tests/cli/refuse.bash
tune=(tests/cli/tiny.yaml --set pretrain.epochs=0 --set finetune.epochs=1 --set soup.examples=10
    --set 'prune.methods=[adaptive, obc, wanda@both, magnitude-global, sparsegpt+refit]'
    --set 'prune.sparsity=[0.5, 0.875]' --set 'prune.patterns=["2:4"]')
"$espalier" prune -q "${tune[@]}" --set study.directory="$scratch/one" 2>"$scratch/e" || cat "$scratch/e"
ranks 3 prune -q "${tune[@]}" --set prune.ranks_per_model=2 --set study.directory="$scratch/groups" 2>"$scratch/e" ||
    cat "$scratch/e"
ranks 2 prune -q "${tune[@]}" --set prune.together=1 --set study.directory="$scratch/alone" 2>"$scratch/e" ||
    cat "$scratch/e"
names=$(cd "$scratch/one/models" && echo greedy-*)
check "fifteen pruned models" test "$(wc -w <<<"$names")" = 15
for m in $names; do
    check "$m by a group of ranks" cmp "$scratch/one/models/$m/model.safetensors" "$scratch/groups/models/$m/model.safetensors"
    check "$m alone" cmp "$scratch/one/models/$m/model.safetensors" "$scratch/alone/models/$m/model.safetensors"
done
lines() { grep -oh '"greedy-[^"]*": \[\[' "$scratch"/groups/journal/prune* | wc -l; } # a model each
before=$(lines)
ranks 2 prune -q "${tune[@]}" --set prune.ranks_per_model=2 --set study.directory="$scratch/groups" 2>"$scratch/e" ||
    cat "$scratch/e"
check "fifteen models' records, and nothing is pruned twice" test "$(lines) $before" = "15 15"

# where memory is short fewer go together; the same models
mv "$scratch/alone" "$scratch/short"
rm -r "$scratch"/short/journal/prune* "$scratch"/short/models/greedy-* "$scratch"/short/study.yaml
SLURM_MEM_PER_NODE=45 "$espalier" prune -v "${tune[@]}" --set study.directory="$scratch/short" 2>"$scratch/e" || cat "$scratch/e"
check "less memory, fewer at a time" grep -q 'models go together by 1' "$scratch/e"
for m in $names; do
    check "$m where memory is short" cmp "$scratch/one/models/$m/model.safetensors" "$scratch/short/models/$m/model.safetensors"
done

m=$scratch/one/models/greedy-adaptive-87.5
cut -f1 "$scratch/one/data/test.tsv" >"$scratch/text"
check "a sparse copy" "$espalier" export -q --sparse "$m" "$scratch/sparse"
check "is smaller" test "$(stat -c %s "$scratch/sparse/model.safetensors")" -lt "$(stat -c %s "$m/model.safetensors")"
check "and dense again" "$espalier" export -q "$scratch/sparse" "$scratch/dense"
for f in model.safetensors config.json vocab.txt; do
    check "$f is what it was" cmp "$m/$f" "$scratch/dense/$f"
done
"$espalier" predict "$m" "$scratch/text" >"$scratch/p1"
"$espalier" predict "$scratch/sparse" "$scratch/text" >"$scratch/p2"
check "a sparse model says the same" cmp "$scratch/p1" "$scratch/p2"
prints '*prunable weights *87.*' "$espalier" info "$scratch/sparse"
refused 2 'dense: a model is there already: choose another folder' "$espalier" export --sparse "$m" "$scratch/dense"
refused 74 '*nothing*' "$espalier" export "$scratch/nothing" "$scratch/new"

# fine-tuned from the sparse copy: as many zeros as before
"$espalier" finetune -q tests/cli/tiny.yaml --set model.checkpoint="$scratch/sparse" --set pretrain.epochs=0 \
    --set finetune.epochs=1 --set finetune.keep_mask=true --set study.directory="$scratch/on" 2>"$scratch/e" || cat "$scratch/e"
before=$("$espalier" info "$m" | grep 'prunable weights')
for v in "$scratch"/on/models/[abc]; do
    check "$(basename "$v") keeps the mask" test "$("$espalier" info "$v" | grep 'prunable weights')" = "$before"
done
finish
