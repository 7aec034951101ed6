/* slurm_script.h: the scripts of the folder slurm/, which are compiled in, filled in for a study.
 */
#ifndef ESPALIER_JOBS_SLURM_SCRIPT_H
#define ESPALIER_JOBS_SLURM_SCRIPT_H

#include "base/strbuf.h"
#include "config/study.h"

#include <argp.h>

enum { SLURM_SETTINGS = 32 };

typedef enum slurm_kind { SLURM_RUN, SLURM_CHAIN, SLURM_ARRAY } slurm_kind;

typedef struct slurm_script {
    slurm_kind kind;
    const char *launcher; /* srun or mpirun, NULL: as it stands */
    const char *study;    /* words for the shell, quoted, that name the study */
    const char *name;     /* of the jobs */
    const char *seeds;    /* of an array */
    int n;                /* options of sbatch, without their dashes */
    const char *key[SLURM_SETTINGS], *value[SLURM_SETTINGS];
} slurm_script;

/* Options that set launcher and options of sbatch, as a child of a job's argp; its input is a
 * slurm_script. */
extern const struct argp slurm_settings_argp;

/* Append a word to text as the shell reads it back unchanged, after a space unless it is the first.
 * Not collective. */
err slurm_quote(strbuf *text, const char *word);

/* The seeds of a study as sbatch takes them: "1,2,3". ERR_USAGE: it has none. Not collective. */
err slurm_seeds(const study *s, strbuf *text);

/* The script's text. Only lines that set a value are replaced, and #SBATCH lines added. Not
 * collective. */
err slurm_fill(const slurm_script *s, strbuf *out);

#endif
