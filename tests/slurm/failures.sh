#!/usr/bin/env bash
# What goes wrong on a cluster: srun without PMIx, a node that goes down, a job that is cancelled, two jobs on one
# study, a study that gets nowhere.
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

# each rank of it would be a world of one
srun --mpi=none --ntasks=2 "$espalier" run tests/cli/tiny.yaml --set study.directory="$scratch/none" >"$scratch/out" 2>&1
check "srun without PMIx is refused" test $? = 2
check "by one rank" test "$(grep -c '^error: started by srun without PMIx' "$scratch/out")" = 1
check "before anything is written" test ! -e "$scratch/none"

# a whole study
job=$(submit "$scratch/whole")
until_ready 200 is "$job" '@(COMPLETED|FAILED)'
check "a study is finished" is "$job" COMPLETED
summary "$scratch/whole" >"$scratch/sum"

# a node goes down
job=$(submit "$scratch/down")
until_ready 60 compgen -G "$scratch/down/journal/finetune.*.log" >/dev/null
node=$(scontrol --oneliner show job "$job" | sed -nE 's/.* BatchHost=([^ ]+).*/\1/p')
scontrol update nodename="$node" state=down reason=test
until_ready 120 grep -q "NODE_FAIL" "$cluster/completed"
check "the node's job ends as NODE_FAIL" grep -q "JobId=$job .*JobState=NODE_FAIL" "$cluster/completed"
until_ready 200 is "$job" '@(COMPLETED|FAILED)'
check "and is finished on the others" is "$job" COMPLETED || cat "$scratch/down.log"
scontrol update nodename="$node" state=resume 2>/dev/null # it may have come back of itself
summary "$scratch/down" >"$scratch/sum.down"
check "same bytes" cmp "$scratch/sum" "$scratch/sum.down"

# a second job on a study, while the first one pre-trains for as long as it may
job=$(submit "$scratch/cancelled" --set pretrain.epochs=1000)
until_ready 60 test -e "$scratch/cancelled/pretrain.checkpoint"
second=$(submit "$scratch/cancelled" --set pretrain.epochs=1000 --sbatch output="$scratch/second.log" --launcher=mpirun)
until_ready 60 is "$second" '@(FAILED|COMPLETED)'
check "a second job on a study fails" is "$second" FAILED
check "and names the first" grep -q "another run works in $scratch/cancelled (host n[0-2], process [0-9]*, job $job): wait" "$scratch/second.log"
check "the first job is not disturbed" is "$job" RUNNING

# cancelled: stops, and does not come back
scancel "$job"
until_ready 60 is "$job" '@(CANCELLED|FAILED|PENDING)'
check "a cancelled job is not requeued" is "$job" CANCELLED
check "which says so" grep -q "^cancelled: not requeued" "$scratch/cancelled.log"
check "but may be submitted again" grep -q "^stopped on request (signal " "$scratch/cancelled/stopped"

# a file
job=$(submit "$scratch/halt" --set pretrain.epochs=1000)
until_ready 60 test -e "$scratch/halt/pretrain.checkpoint"
touch "$scratch/halt/stop"
until_ready 60 is "$job" '@(FAILED|COMPLETED|PENDING)'
check "the file stop ends the job" is "$job" FAILED
check "which says so" grep -q "/halt/stop is there: not requeued" "$scratch/halt.log"

# requeued until it gives up: each start is interrupted before its first unit
job=$(submit "$scratch/idle" --set pretrain.epochs=0 --self-interrupt 1 --max-restarts 1)
until_ready 200 is "$job" '@(FAILED|COMPLETED)'
check "a study that gets nowhere fails" is "$job" FAILED
check "and says so" grep -q "restarted 1 times without any progress" "$scratch/idle.log"

finish
