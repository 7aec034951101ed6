/* rows_part.h: one rank's part of a stage while it is being pruned. Private to rows. */
#ifndef ESPALIER_PRUNE_ROWS_PART_H
#define ESPALIER_PRUNE_ROWS_PART_H

#include "prune/rows.h"

typedef struct rows_part {
    const par *p;
    const refit *r;
    const hessian *obs;
    const rows_request *q;
    int first, share; /* of the stage's rows this rank's part, in order */
    int *row;         // (n) own rows: that part, but for exact OBS by row those that it came to
    int n, room;      /* own rows, and how many there is room for */
    double *w;        // (n, q->n, d)
    char *kept;       // (n, q->n, d) masks
    int64_t *swaps;   // (n, q->n) made
    double *gram;     // (d, d) H with its ridge, NULL: not needed
    double diagonal;  /* mean diagonal of H without it */
    double ridge;
    int retries;
} rows_part;

/* Weights that result j removes from linear l, whatever its rows' shares. Not collective. */
int64_t rows_removals(const rows_request *q, int j, int l, int d);
/* The linear that a row of the stage belongs to. Not collective. */
int rows_linear(const rows_request *q, int row);

/* One more own row, whose weights and masks are not set. ERR_FAILED: no memory. Not collective. */
err rows_take(rows_part *s, int row);

/* 1: any rank takes any row, exact OBS by row. Not collective. */
int rows_in_turns(const rows_request *q);
/* q->meanwhile, where there is one. Not collective. */
err rows_meanwhile(const rows_request *q);

/* w and kept of the own rows, by each kind of method. Collective. */
err rows_by_obs(rows_part *s);
err rows_by_sparsegpt(rows_part *s);
err rows_by_scores(rows_part *s);
/* then, where it is asked for, better masks and best weights. Not collective. */
err rows_refine(rows_part *s);

#endif
