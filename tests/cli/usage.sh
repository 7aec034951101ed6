#!/usr/bin/env bash
# the command line: help, version, unknown jobs and options; one message from one rank, exit code 2
. tests/cli/common.bash
. tests/cli/refuse.bash

prints 'Usage: espalier *' "$espalier" --help
prints '*carry out a whole study*compare this build*Exit: 0 done*' "$espalier" --help
prints 'espalier ?*' "$espalier" --version
prints 'Usage: espalier tokenize *--vocab=FILE*' "$espalier" tokenize --help
prints 'Usage: espalier tokenize *' mpirun -n 2 "$espalier" tokenize --help
each_help() {
    local job
    for job in run plan prepare pretrain finetune soup prune attack report slurm info doctor export predict tokenize tag oracle; do
        "$espalier" $job --help | grep -q "^Usage: espalier $job" || return 1
    done
}
check "help of every job" each_help
check "help is printed by one rank" test \
    "$(timeout -k 5 60 mpirun -n 3 "$espalier" info --help | grep -c '^Usage')" = 1

refused 2 'which job?' "$espalier"
refused 2 'unknown job "prun"; did you mean "prune"?' "$espalier" prun
refused 2 'unknown job "wombat"' "$espalier" wombat
refused 2 "unrecognized option '--wombat'" "$espalier" --wombat
refused 2 "unrecognized option '--wombat'" "$espalier" run --wombat
refused 2 'which study? *' "$espalier" run
refused 2 'one study at a time, got "a" and "b"' "$espalier" run a b
refused 2 'which vocabulary? *' "$espalier" tokenize
refused 2 "option '--vocab' requires an argument" "$espalier" tokenize --vocab
refused 2 "a model's folder and a text file are needed" "$espalier" predict model
refused 2 "a model's folder and a new folder are needed" "$espalier" export model
refused 2 'one model and one file, got also "c"' "$espalier" predict a b c
refused 2 'which file or folder?' "$espalier" info
refused 2 'no argument expected, got "x"' "$espalier" doctor x

# over ranks: one message, the same exit code
refused 2 'unknown job "prun"; did you mean "prune"?' mpirun -n 2 "$espalier" prun
refused 2 'which vocabulary? *' mpirun -n 2 "$espalier" tokenize
refused 2 'absent.yaml: cannot open the study: No such file or directory' mpirun -n 3 "$espalier" run absent.yaml
refused 74 'cannot read absent: No such file or directory' mpirun -n 2 "$espalier" tokenize --vocab absent

# a launcher that MPI does not know: every rank would be rank 0 of 1
refused 2 'SLURM_STEP_NUM_TASKS is 4, but MPI sees 1 rank: *' env SLURM_STEP_NUM_TASKS=4 "$espalier" doctor

# OpenBLAS's kernel: as wide as the CPU, unless the environment names one
kernel() { "$espalier" doctor | sed -n 's/^.* kernel  *OpenBLAS.*, kernel \([A-Za-z0-9]*\),.*/\1/p'; }
own() { [[ $(unset OPENBLAS_CORETYPE && kernel) =~ ^(SkylakeX|Cooperlake|SapphireRapids)$ ]]; }
if grep -q avx512dq /proc/cpuinfo; then check "a kernel of 512 bits" own; fi
check "the kernel that is asked for" test "$(OPENBLAS_CORETYPE=NEHALEM kernel)" = Nehalem

# how loud: before and after the job's name; the place of an error only when asked for
printf 'seed: x\n' >"$scratch/s.yaml"
said() { "$espalier" "$@" 2>&1 | grep -c '^raised at option.c:'; }
check "no place by default" test "$(said run "$scratch/s.yaml")" = 0
check "-v before the job" test "$(said -v run "$scratch/s.yaml")" = 1
check "-v after the job" test "$(said run "$scratch/s.yaml" -v)" = 1
check "--verbose after the job" test "$(said run --verbose "$scratch/s.yaml")" = 1
check "-q still tells errors" test "$("$espalier" run -q "$scratch/s.yaml" 2>&1 | grep -c '^error: ')" = 1
finish
