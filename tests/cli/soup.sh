#!/usr/bin/env bash
# what cannot be averaged is refused by name; scores; the report says why
set -u
source tests/cli/common.bash
source tests/cli/refuse.bash
tune=(tests/cli/tiny.yaml --set pretrain.epochs=1 --set finetune.epochs=1 --set 'prune.methods=[]')
here=(--set study.directory="$scratch/a")
"$espalier" finetune -q "${tune[@]}" "${here[@]}" 2>"$scratch/e" || cat "$scratch/e"
"$espalier" finetune -q "${tune[@]}" --set study.directory="$scratch/b" --set seed=4 2>"$scratch/e" || cat "$scratch/e"
whole=$scratch/whole
cp -r "$scratch/a" "$whole"
broken() { # what to do in the study's folder, exit code, message, ranks
    rm -rf "$scratch/a"
    cp -r "$whole" "$scratch/a"
    (cd "$scratch/a" && eval "$1") || echo "FAILED: cannot $1"
    refused "$2" "$3" "${@:4}" "$espalier" soup "${tune[@]}" "${here[@]}"
    check "no average is published" test ! -e "$scratch/a/models/greedy"
}
m=models/b/model.safetensors
broken "truncate -s -4 $m" 65 "a/$m has not the size with which it was finished (manifest.json): remove the folder *"
broken "cp ../b/$m $m" 65 "a/$m is not the file that fine-tuning wrote *: damaged, or from another study. Remove a/models/b to *"
broken "printf '\001' | dd of=$m bs=1 seek=\$((\$(stat -c %s $m) - 40)) conv=notrunc 2>/dev/null" 65 \
    "a/$m is not the file that fine-tuning wrote *" mpirun -n 2
broken 'sed -i 1,2d models/b/vocab.txt' 65 'a/models/* and a/models/* cannot be averaged: they have different vocabularies *' mpirun -n 3
broken 'sed -i "s/\"1\": \"[a-z]*\"/\"1\": \"odd\"/; s/\"[a-z]*\": 1\b/\"odd\": 1/" models/b/config.json' 65 \
    'a/models/* and a/models/b cannot be averaged: they have different classes (config.json)'
broken 'python3 - <<P
import json
j = json.load(open("manifest.json"))
j["models/b/model.safetensors"]["made_from"] = "start " + 64 * "0"
json.dump(j, open("manifest.json", "w"))
P' 65 'a/models/a and a/models/b cannot be averaged: they were fine-tuned from different checkpoints (SHA-256 * and 000000000000*)*' \
    mpirun -n 2

# a lost folder is made again, and the averages come out as without the loss
rm -rf "$scratch/a"
cp -r "$whole" "$scratch/a"
"$espalier" soup -q "${tune[@]}" "${here[@]}" 2>"$scratch/e" || cat "$scratch/e"
cp -r "$scratch/a/models/greedy" "$scratch/greedy"
rm -rf "$scratch/a"
cp -r "$whole" "$scratch/a"
rm -r "$scratch/a/models/b"
ranks 2 soup -q "${tune[@]}" "${here[@]}" 2>"$scratch/e" || cat "$scratch/e"
check "a lost variant is made again" cmp "$scratch/greedy/model.safetensors" "$scratch/a/models/greedy/model.safetensors"

# nothing to average
printf 'name: n\ndata: {heldout_examples: 60, max_length: 40}\nsynthetic: {train: 460, test: 60, corpus: 160}\n%s\n%s\n' \
    'model: {layers: 1, hidden: 32, heads: 2, feed_forward: 64, positions: 64}' \
    'finetune: {epochs: 1, learning_rate: 900.0, clip: 0.0, warmup: 0.0}' >"$scratch/n.yaml"
refused 1 'no variant can be averaged: every one that has a pretrained start diverged; *' \
    mpirun -n 2 "$espalier" soup "$scratch/n.yaml" --set study.directory="$scratch/n" --set soup.examples=10
refused 2 '--set: finetune.variants: expected a list of variants, got an empty one' \
    "$espalier" soup "$scratch/n.yaml" --set 'finetune.variants=[]'

# scores: accuracy attacks nothing, weighted says how sure it is
for score in accuracy weighted; do
    ranks 2 report "${tune[@]}" --set study.directory="$scratch/$score" --set soup.score=$score --set soup.weight=0.3 \
        >"$scratch/out" 2>"$scratch/e" || cat "$scratch/e"
    check "$score: every decision with its interval" test \
        "$(grep -cE '^ +[0-2] +[abc] +[0-9.]+ \[[0-9.]+, [0-9.]+\].*(start|kept|left out) ' "$scratch/out")" = 3
done
check "accuracy: nothing held out is attacked" test "$(grep -c '"right"' "$scratch"/accuracy/journal/heldout.*.log | cut -d: -f2 | paste -sd+ | bc)" = 6
finish
