/* job.h: what every job's file defines. A job parses its arguments, opens what it needs, calls
 * modules and closes; main.c starts MPI, dispatches, prints the error and ends the program. */
#ifndef ESPALIER_JOBS_JOB_H
#define ESPALIER_JOBS_JOB_H

#include "par/par.h"

/* Columns: name, one line for `espalier --help`. */
#define JOBS(X)                                                                                    \
    X(run, "carry out a whole study: every stage that is not done yet")                            \
    X(plan, "print variants, predicted core-hours, memory and disk of a study")                    \
    X(prepare, "check the data; or train a tagger, or index neighbours")                           \
    X(pretrain, "masked-language model, when the study asks for one")                              \
    X(finetune, "train every variant of the sweep")                                                \
    X(soup, "average variants: uniform, greedy, learned")                                          \
    X(prune, "prune the average layer by layer")                                                   \
    X(attack, "attack every model of the table")                                                   \
    X(report, "write study.h5 and print the tables")                                               \
    X(slurm, "print a SLURM script: one job, a chain, an array over seeds")                        \
    X(info, "explain a model, a store, a study or a data file")                                    \
    X(doctor, "check this machine: ranks, threads, HDF5, locks, memory")                           \
    X(export, "write a model's folder anew: without pruned zeros, or dense again")                 \
    X(predict, "label and probabilities for every line of a file")                                 \
    X(tokenize, "ids of the tokens of every line of standard input or a file")                     \
    X(tag, "part of speech of every word of standard input or a file")                             \
    X(oracle, "compare this build with vectors of other implementations")

#define JOB_DECLARE(name, help) err job_##name(const par *p, int argc, char **argv);
JOBS(JOB_DECLARE)
#undef JOB_DECLARE

#endif
