/* tune.h: one variant, from the start's weights to its published model and record. Private to
 * sweep.
 */
#ifndef ESPALIER_SWEEP_TUNE_H
#define ESPALIER_SWEEP_TUNE_H

#include "base/strbuf.h"
#include "io/journal.h"
#include "sweep/sweep.h"

/* what the variants of a sweep share on one rank */
typedef struct tuner {
    const sweep *s;
    journal *begun;         /* NULL: no journal */
    double *seconds;        // (s->n) of the variants whose group's first rank this is
    int64_t *trainer;       // (s->n) rank + 1 there
    int64_t *ranks;         // (s->n) of the group there
    double training, other; /* seconds of this rank, trained variants and all around it */
    char checkpoint[4096];  /* of the last variant: goes when its record is journalled */
    const int64_t *some;    // (units) which variant a unit is; NULL: unit i is variant i
    char *const *recorded;  // (s->n) what must come out of lost models; NULL: none is lost
} tuner;

/* A group_fn of work/units.h; state is a tuner. Trains, measures, publishes; the record is
 * journalled after that. Collective over group. */
err tune(void *state, const par *group, int64_t unit, strbuf *record);

/* Remove the checkpoint of the last variant, whose record is journalled now. */
err tune_drop(tuner *w);

/* dir/NAME.checkpoint */
err tune_checkpoint(const char *dir, const char *name, char out[4096]);

#endif
