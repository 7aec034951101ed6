/* rows.h: exact OBS for all rows of a stage, shared out over ranks. Rows are independent: no rank
 * waits for another before the end, and what a row becomes does not depend on who prunes it. */
#ifndef ESPALIER_PRUNE_ROWS_H
#define ESPALIER_PRUNE_ROWS_H

#include "prune/refit.h"

typedef struct pruned_rows {
    int d, m;
    float *w;      // (m, d)
    double *shift; // (m) bias minus the dense bias
    double *error; // (m) sum over tokens of squared output errors, with w and shift in float32
} pruned_rows;

/* Remove k weights from each row of r->start (k = 0: only round), and measure against own, the sums
 * that r came from; bias (m): the dense one. On every rank; the caller frees. Collective over p. */
err rows_prune(const par *p, const refit *r, const hessian *own, const float *bias, int k,
               pruned_rows *out);
void rows_free(pruned_rows *r);

#endif
