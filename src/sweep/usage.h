/* usage.h: where the ranks' time went, over all starts of a sweep that ended in order. Private to
 * sweep, but for the struct. */
#ifndef ESPALIER_SWEEP_USAGE_H
#define ESPALIER_SWEEP_USAGE_H

#include "par/par.h"

/* Rank-seconds; they differ from run to run. */
typedef struct sweep_usage {
    double available; /* ranks times the time from the first to the last variant */
    double training;  /* in training */
    double other;     /* loading, held-out scores, publishing; the rest waited */
} sweep_usage;

/* mine: this rank's seconds in this start, available: its own share. Adds them to the journal of
 * dir (NULL: none), and to what stands there: total, the same on every rank. Collective. */
err usage_add(const par *p, const char *dir, const sweep_usage *mine, sweep_usage *total);

#endif
