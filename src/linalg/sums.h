/* sums.h: the large products of pruning, by the fastest way that is exact enough for its inverses:
 * fixed point on the CPU's matrix unit (fixed.h), else float32 in short chains (chained.h), else,
 * and where a side is short, float64 (dense.h).
 *
 * The way depends on the build, the CPU, amx_use and the shape alone: not on the number of ranks.
 * Not collective; one thread. */
#ifndef ESPALIER_LINALG_SUMS_H
#define ESPALIER_LINALG_SUMS_H

#include "linalg/chained.h"

/* The same as dense_gram, dense_cross and dense_linear, to about 1e-8 of the square root of the
 * product of both rows' sums of squares. A number that is not finite makes all sums of its row not
 * finite. room: kept by the caller. ERR_FAILED: no memory. */
err sums_gram(chained_room *room, double *c, const double *x, int T, int d);
err sums_cross(chained_room *room, double *c, const double *y, int ldy, const double *x, int ldx,
               int T, int m, int d);
/* sums_gram of x (T, d) and sums_cross of y and x: the same bits, in less time */
err sums_both(chained_room *room, double *xx, double *yx, const double *y, int ldy, const double *x,
              int T, int m, int d);
err sums_linear(chained_room *room, double *y, const double *x, int ldx, const double *w, int T,
                int m, int d);

#endif
