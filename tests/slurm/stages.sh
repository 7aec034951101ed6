#!/usr/bin/env bash
# A study as a chain of jobs, one a stage, and as an array over seeds: the same bytes as in one run.
. tests/slurm/cluster.bash
cluster_start 3 || {
    check "the cluster starts" false
    finish
    exit
}
submit() { # folder, more options of espalier slurm...
    local dir=$1
    shift
    ESPALIER=$espalier slurm/submit --parsable tests/cli/tiny.yaml --set study.directory="$dir" --nodes=2 --ranks=2 \
        --time=30 --sbatch output="$dir.log" "$@"
}

ranks 2 run -q tests/cli/tiny.yaml --set study.directory="$scratch/whole" >/dev/null 2>&1
summary "$scratch/whole" >"$scratch/sum"

# a chain
mapfile -t ids < <(submit "$scratch/chain" --chain)
check "a chain is seven jobs" test ${#ids[@]} = 7
until_ready 300 is "${ids[6]}" '@(COMPLETED|FAILED|CANCELLED)'
check "whose last one is done" is "${ids[6]}" COMPLETED || cat "$scratch/chain.log"
check "in the order of the stages" in_order "${ids[@]}"
summary "$scratch/chain" >"$scratch/sum.chain"
check "same bytes" cmp "$scratch/sum" "$scratch/sum.chain"

# a chain whose first stage fails
mapfile -t ids < <(submit "$scratch/broken" --chain --set data.vocabulary="$scratch/absent")
until_ready 60 is "${ids[6]}" '@(COMPLETED|CANCELLED)'
check "what builds on a failure is cancelled" is "${ids[6]}" CANCELLED

# an array
short=(--set 'seeds=[2,5]' --set finetune.epochs=1 --set attack.examples=10 --set pretrain.epochs=1 --set soup.examples=5)
mapfile -t ids < <(submit "$scratch/array" --array "${short[@]}")
check "an array is two jobs" test ${#ids[@]} = 2
until_ready 300 is "${ids[1]}" '@(COMPLETED|FAILED|CANCELLED)'
check "whose report is done" is "${ids[1]}" COMPLETED || cat "$scratch/array.log"
for seed in 2 5; do # beside where it was submitted, as slurm/array says
    check "seed $seed has its output" test -f "slurm-${ids[0]}_$seed.out"
    rm -f "slurm-${ids[0]}_$seed.out"
done
ranks 2 run -q tests/cli/tiny.yaml "${short[@]}" --set study.directory="$scratch/seeds" >/dev/null 2>&1
for f in report/table.md report/seeds.csv; do
    check "$f as from one run" cmp "$scratch/array/$f" "$scratch/seeds/$f"
done
finish
