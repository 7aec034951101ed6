/* subset.h: some of the positions of a row, in their order, and rows without the others. Private to
 * exact OBS; not collective. */
#ifndef ESPALIER_PRUNE_SUBSET_H
#define ESPALIER_PRUNE_SUBSET_H

#include "base/err.h"

#include <stdint.h>

typedef struct subset {
    int32_t *index;  // (n) ascending; set by the caller, then told
    uint16_t *there; // (positions / LANES) a bit each
    int positions, n;
} subset;

/* Of so many positions; none as yet. The caller frees. ERR_FAILED: memory. */
err subset_create(int positions, subset *s);
void subset_free(subset *s);

/* The first n of index are the subset. */
void subset_tell(subset *s, int n);

/* to[i] = from[index[i]] for the first n; `to` may be `from`. Up to LANES - 1 floats behind them
 * are overwritten, `from` is read up to `positions`. */
void subset_take(const subset *s, float *to, const float *from, int n);

#endif
