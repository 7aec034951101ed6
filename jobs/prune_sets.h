/* prune_sets.h: models that go through the encoder together: the units of the stage. */
#ifndef ESPALIER_JOBS_PRUNE_SETS_H
#define ESPALIER_JOBS_PRUNE_SETS_H

#include "context.h"

#include "base/strbuf.h"

typedef struct prune_sets {
    context *c;
    const encoder *dense;
    const examples *calibration;
    char allocation[PATH_BYTES]; /* prune.allocation_file as it can be opened */
    int n;
    int *first;         // (n + 1) of each in model
    int *model;         // numbers in c->pruned
    const char **names; // (n) each one's first model's
    int64_t *ranks;     // (n) that work on it
} prune_sets;

/* The models that have no record yet, in the study's order, in as few sets as prune.together and
 * the memory that there is allow, if every group of prune.ranks_per_model ranks has one; other
 * sentences, another set. What a model becomes does not depend on its set. The caller frees.
 * Collective. */
err prune_sets_make(context *c, const encoder *dense, prune_sets *out);
void prune_sets_free(prune_sets *s);

/* How many ranks prune a set together; of the last group there may be fewer. Not collective. */
int prune_sets_ranks(const context *c);

/* One set by a group of ranks (units.h), state: the prune_sets. Its models are in their folders
 * before its record is in the journal. Collective over group. */
err prune_set(void *state, const par *group, int64_t unit, strbuf *record);

/* Calibration sentences: a seeded part of the training texts, cut to their own length. */
err prune_calibration(const context *c, int64_t wanted, examples *out);
/* Where a model's finished blocks are kept. */
err prune_checkpoint(const context *c, const pruned_model *m, char path[PATH_BYTES]);

#endif
