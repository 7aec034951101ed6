/* command.h: the command line up to the job: which job, how loud, and what is left for the job. */
#ifndef ESPALIER_JOBS_COMMAND_H
#define ESPALIER_JOBS_COMMAND_H

#include "base/log.h"
#include "job.h"

typedef err (*job_fn)(const par *p, int argc, char **argv);

typedef struct command {
    job_fn run;
    log_level level;
    int alone; /* the job's --help or --usage is asked for, or the job only prints: no MPI */
    int argc;
    char **argv; /* (argc + 1) of the job, argv[0] is "espalier JOB"; owned, the caller frees it */
    char name[64];
} command;

/* Prints and ends the program on --help, --usage, --version (0), an unknown option, job or none
 * (2). c may not move afterwards. Not collective. */
err command_read(int argc, char **argv, command *c);

#endif
