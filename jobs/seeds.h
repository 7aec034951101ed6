/* seeds.h: what the repetitions of a study over seeds have in common: one lock, one report. */
#ifndef ESPALIER_JOBS_SEEDS_H
#define ESPALIER_JOBS_SEEDS_H

#include "config/study.h"
#include "io/lock.h"
#include "par/par.h"

typedef struct seeds_run {
    const par *p;
    const study *s; /* the repeated study */
    char dir[OPTION_TEXT_BYTES];
    lock *lock; /* rank 0 */
} seeds_run;

/* Make and lock the folder that holds seed-1, seed-2, … Collective. */
err seeds_open(seeds_run *r);
void seeds_close(seeds_run *r);
/* From the stores of all repetitions: study.h5, report/ and what standard output gets, with mean
 * and standard deviation of every cell. ERR_IO: a repetition has no store. Collective. */
err seeds_report(seeds_run *r);

#endif
