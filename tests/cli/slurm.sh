#!/usr/bin/env bash
# `espalier slurm`: the scripts of slurm/, with nothing changed but the lines that set a value. On a cluster: tests/slurm
. tests/cli/common.bash
. tests/cli/refuse.bash
tiny=tests/cli/tiny.yaml
# what was replaced and added: the other lines are those of the file
changes() { diff "$1" "$scratch/script" | sed -nE 's/^> //p'; }
gone() { diff "$1" "$scratch/script" | sed -nE 's/^< //p'; }
same() { # description, expected, got
    check "$1" test "$2" = "$3"
    [ "$2" = "$3" ] || diff <(echo "$2") <(echo "$3")
}

"$espalier" slurm $tiny >"$scratch/script"
check "a script" bash -n "$scratch/script"
same "of nothing but the study" "espalier=\${ESPALIER:-$(realpath "$espalier")}
study=($tiny)" "$(changes slurm/run.sbatch)"
"$espalier" slurm $tiny --nodes 2 --ranks=64 --time 1-0 --partition long --account me --qos low --launcher mpirun \
    --sbatch constraint=avx512 --sbatch open-mode=truncate --sbatch nodes=3 --set seed=4 --set "data.root=it's here; \$x" \
    --max-time 30 --seed 4 --set 'seeds=[4]' >"$scratch/script"
check "a full script" bash -n "$scratch/script"
same "each option in its line" "#SBATCH --ntasks=64
#SBATCH --time=1-0
#SBATCH --open-mode=truncate
#SBATCH --nodes=3
#SBATCH --partition=long
#SBATCH --account=me
#SBATCH --qos=low
#SBATCH --constraint=avx512
espalier=\${ESPALIER:-$(realpath "$espalier")}
launcher=\${LAUNCHER:-mpirun}
study=($tiny --set seed=4 --set 'data.root=it'\\''s here; \$x' --set 'seeds=[4]' --seed 4 --max-time 30)" \
    "$(changes slurm/run.sbatch)"
same "in place of" '#SBATCH --ntasks=2
#SBATCH --time=04:00:00
#SBATCH --open-mode=append
espalier=${ESPALIER:-build/espalier}
launcher=${LAUNCHER:-srun}
study=("$@")' "$(gone slurm/run.sbatch)"
words() { bash -c "$(grep '^study=(' "$scratch/script"); printf '<%s>' \"\${study[@]}\""; }
same "read back by the shell" "<$tiny><--set><seed=4><--set><data.root=it's here; \$x><--set><seeds=[4]><--seed><4><--max-time><30>" "$(words)"

for kind in chain array; do
    "$espalier" slurm $tiny --$kind --partition p --set 'seeds=[7,5]' >"$scratch/script"
    check "a script: $kind" bash -n "$scratch/script"
    same "$kind: replaced lines" "$(grep -E '^(name|seeds|job)=' slurm/$kind)" "$(gone slurm/$kind)"
    "$espalier" slurm $tiny --partition p --set 'seeds=[7,5]' >"$scratch/job"
    same "$kind: the job inside" "$(cat "$scratch/job")" "$(sed -n "/<<'END_OF_JOB'/,/^END_OF_JOB/p" "$scratch/script" | sed '1d;$d')"
done
check "seeds" grep -qx 'seeds=7,5' "$scratch/script"
check "name" grep -qx 'name=tiny' "$scratch/script"

prints 'results/tiny' "$espalier" slurm --folder $tiny
prints 'x/seed-5' "$espalier" slurm --folder $tiny --set study.directory=x --set 'seeds=[7,5]' --seed 5 --max-restarts 3
refused 2 'which study? *' "$espalier" slurm
refused 2 '--seed: expected one of the study*seeds, got "x"' "$espalier" slurm $tiny --seed x
refused 2 '--nodes: expected a number above 0, got "0"' "$espalier" slurm $tiny --nodes 0
refused 2 '--ranks: expected a number above 0, got "many"' "$espalier" slurm $tiny --ranks many
refused 2 '--time: expected minutes or HH:MM:SS, got "soon"' "$espalier" slurm $tiny --time soon
refused 2 '--launcher: expected srun or mpirun, got "ssh"' "$espalier" slurm $tiny --launcher ssh
refused 2 '--sbatch: expected KEY=VALUE, got "x"' "$espalier" slurm $tiny --sbatch x
refused 2 '--partition: expected a value in one line, got *' "$espalier" slurm $tiny --partition $'a\n#SBATCH --wrap=b'
refused 2 'one of --chain and --array' "$espalier" slurm $tiny --chain --array
refused 2 '*: an array needs the study*s seeds, *' "$espalier" slurm $tiny --array
refused 2 '*unknown option "wombat"*' "$espalier" slurm $tiny --set wombat=1

# srun without PMIx, as the environment tells it
refused 2 'started by srun without PMIx*--mpi=pmix*' env SLURM_STEPID=0 SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 "$espalier" doctor
finish
