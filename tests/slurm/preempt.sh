#!/usr/bin/env bash
# A study that is preempted at random moments, requeues itself, and ends with the bytes of one that never was.
#
#     tests/slurm/preempt.sh [TRIES [SEED]]     so many tries under srun, and under mpirun (1)
. tests/slurm/cluster.bash
tries=${1:-${TRIES:-1}}
seed=${2:-$((SRANDOM % 32768))}
RANDOM=$seed
echo "  random moments of seed $seed"
nodes=2
cluster_start $nodes || {
    check "the cluster starts" false
    finish
    exit
}
submit() { # folder, launcher
    ESPALIER=$espalier slurm/submit --parsable tests/cli/tiny.yaml --set study.directory="$1" --nodes=$nodes \
        --ranks=2 --time=30 --launcher="$2" --sbatch output="$1.log"
}

# never preempted
job=$(submit "$scratch/whole" srun)
until_ready 200 is "$job" COMPLETED || cat "$scratch/whole.log"
check "the study runs under srun" is "$job" COMPLETED
check "in one go" grep -q '"starts": 1,' "$scratch/whole/starts.json"
summary "$scratch/whole" >"$scratch/sum"

# either a job of a higher partition that needs all nodes, or the signal that comes before the end of the time
preempt() { # job
    if [ $((RANDOM % 2)) = 0 ]; then
        how=preempted
        sbatch --quiet --partition=high --nodes=$nodes --ntasks-per-node=2 --output=/dev/null --wrap='sleep 1'
    else
        how=signalled
        scancel --quiet --batch --signal=USR1 "$1"
    fi
}

# A random moment: somewhat after the first sign of a random stage, while the job runs, and after this start of it has
# said its first word: a signal in the first milliseconds of a job kills its script before it can listen.
stages=(starts.json pretrain.checkpoint 'journal/finetune.*.log' 'journal/heldout.*.log' 'models/greedy/model.safetensors'
    'journal/attack.*.log')
words() { [ ! -e "$1.log" ] && echo 0 || grep -c '^study tiny in' "$1.log"; } # folder
random_moment() { # job, folder
    stage=${stages[RANDOM % ${#stages[@]}]}
    until [ "$(words "$2")" -gt "$said" ] && compgen -G "$2/$stage" >/dev/null; do
        is "$1" '@(RUNNING|PENDING|COMPLETING)' || return 1
    done
    sleep 0.$(printf %03d $((RANDOM % 600)))
    is "$1" RUNNING
}

# what Open MPI and srun say of a rank that a signal ended which nobody sent
no_crash() { ! grep -E 'Process received signal|: (Segmentation fault|Bus error|Aborted|Floating point exception)' "$1"; } # log

# until the job was stopped at least once and is finished; a job that is done before it could be stopped does not
# count, one that fails or crashes does
try() { # launcher, number
    local dir=$scratch/$1-$2 job how stage said hows=
    while [ -z "$hows" ]; do
        rm -rf "$dir" "$dir.log"
        said=0
        job=$(submit "$dir" "$1")
        until_ready 60 test -e "$dir/starts.json" || cat "$dir.log"
        while [ $((RANDOM % 3)) != 0 ] && random_moment "$job" "$dir"; do
            said=$(words "$dir")
            preempt "$job"
            hows="$hows $how after $stage;"
            until_ready 60 is "$job" '@(PENDING|COMPLETED|FAILED)'
            until_ready 120 is "$job" '@(RUNNING|COMPLETED|FAILED)'
        done
        until_ready 200 is "$job" '@(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)'
        check "$1 $2: no rank crashed" no_crash "$dir.log"
        is "$job" COMPLETED || break
        grep -q '"starts": 1,' "$dir/starts.json" && hows=
    done
    check "$1 $2: finished, was $(state "$job")" is "$job" COMPLETED
    is "$job" COMPLETED || {
        cat "$dir.log"
        return
    }
    summary "$dir" >"$scratch/sum.try"
    check "$1 $2: same bytes" cmp "$scratch/sum" "$scratch/sum.try"
    check "$1 $2: same tables in study.h5" /usr/bin/python3 tests/cli/store_equal.py "$scratch/whole/study.h5" "$dir/study.h5"
    echo "  $1 $2:$hows $(sed -nE 's/.*"starts": ([0-9]+).*/\1/p' "$dir/starts.json") starts"
    rm -rf "$dir"
}
for launcher in srun mpirun; do
    for i in $(seq "$tries"); do
        try $launcher "$i"
    done
done
finish
