#!/usr/bin/env bash
# studies that are refused: file, line, column, exit code 2; nothing is made. All refusals: tests/unit/test_config.c
. tests/cli/common.bash
. tests/cli/refuse.bash
s=$scratch/s.yaml
study() { # text, message, arguments...
    local text=$1 message=$2
    shift 2
    printf '%b' "$text" >"$s"
    rm -rf "$scratch/out"
    refused 2 "$message" "$espalier" run "$s" --set study.directory="$scratch/out" "$@"
}
study 'attack:\n  exmaples: 5\n' 's.yaml:2:3: unknown option "attack.exmaples"; did you mean "attack.examples"?'
study 'attack:\n  examples: many\n' 's.yaml:2:13: attack.examples: expected a whole number, got "many"'
study 'soup: {examples: 0}\n' 's.yaml:1:18: soup.examples: 0 is out of range: allowed are 1 to 100000000 examples'
study 'seed: 1\nseed: 2\n' 's.yaml:2:1: "seed" is given twice: first at s.yaml:1:1'
study 'attack:\n\texamples: 5\n' 's.yaml:2:1: a tab: indent with spaces'
study 'model: {heads: 3}\n' 's.yaml:1:16: model.hidden (128) must be a multiple of model.heads (3)'
study 'name: ../x\n' "s.yaml:1:7: a study's name becomes a folder: *"
study 'seed: 1\n' '--set: unknown option "atack"; did you mean "attack"?' --set atack.examples=5
study 'seed: 1\n' '--set: attack.examples: expected a whole number, got "x"' --set attack.examples=x
study 'seed: 1\n' '--set: expected OPTION=VALUE, *' --set seed
study 'data: {name: sst2, vocabulary: v}\nattack: {neighbours: n}\n' \
    's.yaml: data.name is sst2, but neither data.root nor ESPALIER_DATA says where it is'
study 'data: {vocabulary: absent.txt}\n' 's.yaml: data.vocabulary: absent.txt does not exist*'
refused 2 'absent.yaml: cannot open the study: No such file or directory' "$espalier" run absent.yaml
refused 2 'configs: a folder without study.yaml: *' "$espalier" run configs

# a grid of more ranks than prune together: before anything is made
grid=(--set prune.factorisation=distributed --set prune.grid=2x3 --set study.directory="$scratch/grid")
for job in run prune report; do
    refused 2 'a process grid of 2 x 3 needs 6 ranks, there are 4: *' mpirun -n 4 "$espalier" $job tests/cli/tiny.yaml "${grid[@]}"
done
refused 2 'a process grid of 2 x 3 needs 6 ranks, there are 2: *' mpirun -n 6 "$espalier" run tests/cli/tiny.yaml "${grid[@]}" \
    --set prune.ranks_per_model=2
check "nothing is made for a wrong grid" test ! -e "$scratch/grid/data" -a ! -e "$scratch/grid/manifest.json"

# what is written is what would run: reading it again gives the same
for c in configs/*.yaml; do
    "$espalier" info --effective "$c" >"$scratch/once.yaml"
    "$espalier" info --effective "$scratch/once.yaml" >"$scratch/twice.yaml"
    check "$c reads back" cmp "$scratch/once.yaml" "$scratch/twice.yaml"
    check "$c is complete" grep -q '^  query_budget: ' "$scratch/once.yaml"
done
prints '*study demo, seed *finetune  *variants*prune     adaptive, magnitude at 50 %*' "$espalier" info configs/demo.yaml
finish
