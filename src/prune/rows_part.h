/* rows_part.h: one rank's part of a stage while it is being pruned. Private to rows. */
#ifndef ESPALIER_PRUNE_ROWS_PART_H
#define ESPALIER_PRUNE_ROWS_PART_H

#include "prune/rows.h"

typedef struct rows_part {
    const par *p;
    const refit *r;
    const hessian *obs;
    const rows_request *q;
    int first, n;    /* own rows */
    double *w;       // (q->n, n, d)
    char *kept;      // (q->n, n, d) masks
    int64_t *swaps;  // (q->n, n) made
    double *gram;    // (d, d) H with its ridge, NULL: not needed
    double diagonal; /* mean diagonal of H without it */
    double ridge;
    int retries;
} rows_part;

/* Weights that result j removes from linear l, whatever its rows' shares. Not collective. */
int64_t rows_removals(const rows_request *q, int j, int l, int d);
/* The linear that a row of the stage belongs to. Not collective. */
int rows_linear(const rows_request *q, int row);

/* w and kept of the own rows, by each kind of method. Collective. */
err rows_by_obs(rows_part *s);
err rows_by_sparsegpt(rows_part *s);
err rows_by_scores(rows_part *s);
/* then, where it is asked for, better masks and best weights. Not collective. */
err rows_refine(rows_part *s);

#endif
