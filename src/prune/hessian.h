/* hessian.h: the sums over calibration tokens that pruning a linear layer needs (arXiv 2310.13191,
 * Algorithm 1: H = X^ X^^T and Y X^^T), the same bytes for any number of ranks.
 *
 * Inputs x (d) are followed by a constant 1, which makes the bias one more weight; y (m) are the
 * wanted outputs. Each chunk of tokens is summed in float64 by the rank that owns it, always in the
 * same order; the chunks' sums are added in fixed point (par/fixsum.h), where order does not
 * matter. */
#ifndef ESPALIER_PRUNE_HESSIAN_H
#define ESPALIER_PRUNE_HESSIAN_H

#include "par/par.h"

typedef struct hessian {
    int d, m;
    double *xx; // (d + 1, d + 1) sum of x x^T, both triangles; its last element is the token count
    double *yx; // (m, d + 1) sum of y x^T
    double *yy; // (m) sum of y^2
    size_t n;   /* of the sums, the symmetric one by its lower triangle */
    double *chunk; // (n) sums of one chunk
    int64_t *acc;  // (2, n) fixed point
} hessian;

err hessian_create(int d, int m, hessian **out); /* zero sums; the caller destroys */
void hessian_destroy(hessian **h);               /* NULL is allowed */

/* Add one chunk: x (T, d + 1) with a last column of ones, y (T, m); m = 0: y is not read.
 * ERR_FAILED: a sum is not finite or beyond 2^42. Not collective. */
err hessian_add(hessian *h, const double *x, const double *y, int T);

/* xx, yx, yy: the sums over all chunks of all ranks, on every rank. Called once. Collective. */
err hessian_reduce(hessian *h, const par *p);

#endif
