/* variants.h: the variants of a sweep, from the list and the grid of a study's finetune section. */
#ifndef ESPALIER_CONFIG_VARIANTS_H
#define ESPALIER_CONFIG_VARIANTS_H

#include "config/document.h"
#include "config/study.h"

/* finetune: the section as read, NULL when the file has none; defaults: its options; seed: the
 * study's, for variants whose own is 0. The list first, then the grid with its last option fastest.
 * ERR_USAGE: unknown options, bad values, two of a name, over STUDY_MAX_VARIANTS. Caller frees
 * *out. Not collective. */
err variants_read(const node *finetune, const finetune_options *defaults, int64_t seed,
                  variant **out, int *n);

/* Write them as a list: the name and what differs from the defaults, a line each. */
err variants_write(const variant *v, int n, const finetune_options *defaults, strbuf *out);

#endif
