/* study_args.h: the part of a command line that names a study: its file or folder, --set, --seed. A
 * child of the job's own argp, whose input is a study_args of zeros. */
#ifndef ESPALIER_JOBS_STUDY_ARGS_H
#define ESPALIER_JOBS_STUDY_ARGS_H

#include "config/study.h"

#include <argp.h>

typedef struct study_args {
    const char *file;
    const char **set; /* (n_set) OPTION=VALUE, the texts are those of the command line */
    int n_set;
    int64_t seed; /* the one repetition that is asked for, 0: none */
} study_args;

extern const struct argp study_args_argp;
void study_args_free(study_args *a);

/* The study, or its one repetition. The file may be a study's folder; the study.yaml of a folder
 * means that folder, unless an option says another. Not collective; ERR_USAGE. Caller frees with
 * study_free. */
err study_args_read(const study_args *a, study **out);

#endif
