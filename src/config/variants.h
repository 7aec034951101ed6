/* variants.h: the variants of a sweep, from the list, the grid and the random draws of a study's
 * finetune section. */
#ifndef ESPALIER_CONFIG_VARIANTS_H
#define ESPALIER_CONFIG_VARIANTS_H

#include "config/document.h"
#include "config/option.h"
#include "config/study.h"

/* finetune: the section as read, NULL when the file has none; defaults: its options; seed: the
 * study's, for variants whose own is 0. The list first, then the grid with its last option fastest,
 * then the draws. ERR_USAGE: unknown options, bad values, two of a name, over STUDY_MAX_VARIANTS,
 * what draws.h refuses. Caller frees *out. Not collective. */
err variants_read(const node *finetune, const finetune_options *defaults, int64_t seed,
                  variant **out, int *n);

/* Write them as a list: the name and what differs from the defaults, a line each. */
err variants_write(const variant *v, int n, const finetune_options *defaults, strbuf *out);

/* "{name: a, seed: 2}": one of them. */
err variants_write_one(const variant *v, const finetune_options *defaults, strbuf *out);

/* The options of v in one line, without its name: two variants with the same line train to the same
 * model. How many ranks share a variant and how often it is checkpointed change no byte of it and
 * are left out. */
err variants_line(const variant *v, strbuf *out);
/* twin[i] (n): the first variant before i that is the same training, -1: none. */
err variants_twins(const variant *v, int n, int *twin);

/* For the grid and the draws: the option that a member names, with the nearest name where there is
 * none; a list of values without any twice, and how many. */
err variants_find_option(const section *finetune, const node *member, const char *where,
                         const option **out);
err variants_check_values(const char *in, const option *o, const node *values, int *n);

#endif
