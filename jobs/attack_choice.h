/* attack_choice.h: what attack --rescore and attack --show read: a finished study, one model of its
 * table or all, one recipe. */
#ifndef ESPALIER_JOBS_ATTACK_CHOICE_H
#define ESPALIER_JOBS_ATTACK_CHOICE_H

#include "attack_stored.h"

#include "base/strbuf.h"

#include <argp.h>

typedef struct attack_choice {
    const char *study;
    const char *model;  /* NULL: all */
    const char *recipe; /* NULL: the study's attack.recipe */
} attack_choice;

/* STUDY, --model and --recipe: a child of the job's own argp, whose input is an attack_choice of
 * zeros. */
extern const struct argp attack_choice_argp;

/* Append what is to be printed of s; only: the model, NULL for all. */
typedef err (*attack_choice_fn)(void *state, const stored *s, const recipe *how,
                                const store_model *only, strbuf *out);

/* Open the study, print what fn makes of it on rank 0, close it. Collective. */
err attack_choice_print(const par *p, const attack_choice *c, attack_choice_fn fn, void *state);

#endif
