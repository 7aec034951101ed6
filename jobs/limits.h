/* limits.h: how long a study's run may go on, and what it leaves behind when it is stopped. No part
 * of the study. */
#ifndef ESPALIER_JOBS_LIMITS_H
#define ESPALIER_JOBS_LIMITS_H

#include "par/par.h"

#include <argp.h>

typedef struct limits {
    double seconds;    /* --max-time; 0: none */
    int64_t interrupt; /* --self-interrupt; 0: never */
    int64_t restarts;  /* --max-restarts; 0: any number */
    char dir[4096];    /* the folder, from limits_begin on */
    char stop[4096];   /* a file in it that stops the run */
} limits;

/* The options, as a child of a job's argp; its input is a limits, filled with the defaults. */
extern const struct argp limits_argp;

/* For a run that holds dir's lock: forget the last stop, count this start; from here on time, the
 * file and a test's interrupt can stop the run. ERR_STOPPED: the file is there already; ERR_FAILED:
 * too many restarts without progress. l stays until limits_end. Collective. */
err limits_begin(const par *p, limits *l, const char *dir);

/* How the run ended, e, is written down: a stop leaves a file `stopped` in the folder that says
 * why. Returns e, but OK for a stop under mpirun, which kills ranks that end otherwise. Collective.
 */
err limits_end(const par *p, limits *l, err e);

#endif
