/* hessian.h: the sums over calibration tokens that pruning a linear layer needs (arXiv 2310.13191,
 * Algorithm 1: H = X^ X^^T and Y X^^T), the same bytes for any number of ranks.
 *
 * Inputs x^ (d) are followed by a constant 1, which makes the bias one more weight; y (m) are the
 * wanted outputs. Each chunk of tokens is summed by the rank that owns it, always in the
 * same order; the chunks' sums are added in fixed point (par/fixsum.h), where order does not
 * matter.
 *
 * Wanted outputs are y = W x of other inputs x (the dense model's). So Y X^^T = W (X X^^T), and its
 * sum may be taken over the products of the inputs alone: "paired" sums, 4 d^2 operations a token
 * instead of d^2 + 4 m d, and on the way the sum of x x^T, which is the dense model's own Hessian.
 *
 * The products are float64, or on a matrix unit fixed point of 31 bits (linalg/fixed.h). In float32
 * they would be wrong by about 1e-7 of the diagonal, in every direction alike: for few tokens that
 * is a hundredth of the usual ridge (1e-4 of the diagonal) in the directions that have nothing
 * else, and those are the ones that the inverse is made of. */
#ifndef ESPALIER_PRUNE_HESSIAN_H
#define ESPALIER_PRUNE_HESSIAN_H

#include "par/par.h"

typedef struct hessian {
    int d, m;
    double *xx;   // (d + 1, d + 1) sum of x^ x^^T, both triangles; its last element is the token
                  // count
    double *yx;   // (m, d + 1) sum of y x^^T
    double *yy;   // (m) sum of y^2
    double *dd;   // (d + 1, d + 1) sum of x x^T, NULL unless paired; both triangles once reduced
    double *dx;   // (d, d + 1) sum of x x^^T, NULL unless paired
    int64_t *acc; // (2, n) fixed point, n numbers in all
    size_t n;
} hessian;

err hessian_create(int d, int m, hessian **out); /* zero sums; the caller destroys */
err hessian_create_paired(int d, int m, hessian **out);
void hessian_destroy(hessian **h); /* NULL is allowed */

/* 1: for m outputs of d inputs paired sums take fewer operations. */
int hessian_pays_paired(int d, int m);

/* Add one chunk: x (T, d + 1) with a last column of ones; y (T, m), m = 0: y is not read; of
 * paired sums y is (T, d + 1), the other inputs, with a last column of ones too. ERR_FAILED: a sum
 * is not finite or beyond 2^41. Not collective. */
err hessian_add(hessian *h, const double *x, const double *y, int T);

/* xx, yx, yy: the sums over all chunks of all ranks, on every rank; w (m, d), of paired sums: the
 * weights that make y of x, else NULL. Called once. Collective. */
err hessian_reduce(hessian *h, const par *p, const double *w);

/* The sum of x x^T of paired, reduced sums as sums of their own (m = 0): *out takes it over, the
 * caller destroys both. Not collective. */
err hessian_take_dense(hessian *h, hessian **out);

#endif
