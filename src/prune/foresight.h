/* foresight.h: which weights exact OBS will remove next, as far as the columns at hand can tell.
 * A removal moves the weights that its column names, so the next ones are not the lowest of now.
 * Columns may lack the newest vectors and removals among them are not taken from one another: a
 * guess, in float32, of what is worth preparing; nothing else depends on it. Private to exact OBS;
 * not collective. */
#ifndef ESPALIER_PRUNE_FORESIGHT_H
#define ESPALIER_PRUNE_FORESIGHT_H

#include "base/err.h"

typedef struct foresight {
    float *w, *diag; // (positions) weights and diagonal of the inverse as they will be
    int n;
} foresight;

/* The caller frees. ERR_FAILED: memory. */
err foresight_create(int positions, foresight *f);
void foresight_free(foresight *f);

/* n positions as they are: w infinite or barrier not zero: never removed. */
void foresight_begin(foresight *f, const double *w, const double *diag, const double *barrier,
                     int n);

/* Position p is removed; column (n, read up to a multiple of LANES) of p in the inverse, NULL: not
 * known, the others stay as they are. Returns the position that is lowest then, -1: none is left.
 */
int foresight_remove(foresight *f, int p, const float *column);

#endif
