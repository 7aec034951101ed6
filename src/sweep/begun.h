/* begun.h: which variants were begun and not left in order: their program crashed or was killed, or
 * they failed. A line in the journal when a variant is begun, another when it is left on request.
 * Private to sweep. */
#ifndef ESPALIER_SWEEP_BEGUN_H
#define ESPALIER_SWEEP_BEGUN_H

#include "config/study.h"
#include "io/journal.h"
#include "par/par.h"

/* Not collective. */
err begun_open(const char *dir, int rank, journal **out);
err begun_begin(journal *j, const char *name);
err begun_leave(journal *j, const char *name);

/* tries[i] (n): how often variant i was begun and not left in order. dir NULL: never. Of variants
 * that have a record it means nothing. Collective. */
err begun_count(const par *p, const char *dir, const variant *v, int n, int64_t *tries);

#endif
