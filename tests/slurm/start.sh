#!/usr/bin/env bash
# The start of a job's ranks: one that is late is waited for; one that dies ends the job.
. tests/slurm/cluster.bash
nodes=2
cluster_start $nodes || {
    check "the cluster starts" false
    finish
    exit
}
# the first stage alone; a rank is what stands in this file
submit() { # folder
    ESPALIER=$scratch/program STAGE=prepare slurm/submit --parsable tests/cli/tiny.yaml --set study.directory="$1" \
        --nodes=$nodes --ranks=2 --time=30 --sbatch output="$1.log"
}
program() { # lines of sh before the program
    printf '#!/bin/sh\n%s\nexec %s "$@"\n' "$1" "$espalier" >"$scratch/program"
    chmod 755 "$scratch/program"
}

# A fence that waits for nobody lets rank 1 send to a rank that cannot receive yet.
"${CC:-gcc}" -O1 -shared -fPIC -o "$scratch/late_fence.so" tests/slurm/late_fence.c -ldl -lpthread
program "[ -z \"\${PMIX_RANK:-}\" ] || export LD_PRELOAD=$scratch/late_fence.so"
job=$(submit "$scratch/late")
until_ready 90 is "$job" '@(COMPLETED|FAILED)'
check "a rank that is late was" grep -q "^late_fence: " "$scratch/late.log"
check "and is waited for, job was $(state "$job")" is "$job" COMPLETED || cat "$scratch/late.log"

# the other rank would wait for it in MPI_Init until the job's time is over
program "[ \"\${PMIX_RANK:-}\" != 0 ] || kill -SEGV \$\$"
job=$(submit "$scratch/dead")
until_ready 90 is "$job" '@(COMPLETED|FAILED)'
check "a rank that dies ends the job, was $(state "$job")" is "$job" FAILED || cat "$scratch/dead.log"
check "and is named" grep -q "task 0: Segmentation fault" "$scratch/dead.log"
check "before the study began" test ! -e "$scratch/dead/starts.json"

# doctor knows
cat >"$scratch/doctor" <<END
#!/bin/sh
srun --mpi=pmix $espalier doctor --directory $scratch; SLURM_PMIX_FENCE=ring srun --mpi=pmix $espalier doctor --directory $scratch
mpirun $espalier doctor --directory $scratch
END
job=$(sbatch --parsable --nodes=$nodes --ntasks=$nodes --output="$scratch/doctor.log" "$scratch/doctor")
until_ready 90 is "$job" '@(COMPLETED|FAILED)'
check "doctor warns of srun's own fences, but not behind a ring or under mpirun" test \
    "$(sed -n 's/  start .*//p' "$scratch/doctor.log" | xargs)" = "WARN PASS PASS" || cat "$scratch/doctor.log"

finish
