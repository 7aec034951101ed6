/* hessian.h: the sums over calibration tokens that pruning a linear layer needs (arXiv 2310.13191,
 * Algorithm 1: H = X^ X^^T and Y X^^T), the same bytes for any number of ranks.
 *
 * Inputs x^ (d) are followed by a constant 1, which makes the bias one more weight; y (m) are the
 * wanted outputs. Each chunk of tokens is summed by the rank that owns it, always in the
 * same order; the chunks' sums are added in fixed point (par/fixsum.h), where order does not
 * matter.
 *
 * Wanted outputs are y = W x of other inputs x (the dense model's). So Y X^^T = W (X X^^T), and its
 * sum may be taken over the products of the inputs alone: "paired" sums, 3 d^2 operations a token
 * instead of d^2 + 2 m d, beside the sum of x x^T, which is the dense model's own Hessian and the
 * same for every model that is pruned from it.
 *
 * The products are float32 multiply-adds in chains of 64 terms that are added up in float64, or on
 * a matrix unit fixed point of 31 bits (linalg/sums.h). What matters is the error in directions
 * that have nothing but the usual ridge, 1e-4 of the diagonal: the inverse is made of those.
 * Measured against float64, d = 256 with inputs that are correlated (0.9 from one to the next, and
 * a common part), relative to the square root of h_ii h_jj, root mean square and worst:
 *
 *   tokens                   512              2,048            65,536 in chunks of 2,048
 *   chains                   1.3e-8 1.4e-7    6.7e-9 7.4e-8    1.2e-9 1.4e-8
 *   and means of 10 sigma    7.5e-9 1.4e-7    4.6e-9 5.8e-8    9.0e-10 1.1e-8
 *   all in one chain         1.6e-7 8.2e-7    3.0e-7 1.6e-6    2.3e-6 1.9e-5
 *   and means of 10 sigma    2.4e-7 1.1e-6    4.7e-7 2.3e-6    2.8e-6 1.9e-5
 *
 * Inputs that are constant have no error among themselves in chains, 4e-6 to 7e-4 in one. With d =
 * 768 the diagonal of the inverse is off by 2e-6 at most for 2,048 tokens, for 384, of which half
 * the directions have nothing, by 1.2e-3 (4e-4 root mean square); in one chain by 6e-3 and
 * 2e-2. */
#ifndef ESPALIER_PRUNE_HESSIAN_H
#define ESPALIER_PRUNE_HESSIAN_H

#include "linalg/chained.h"
#include "par/par.h"

typedef struct hessian {
    int d, m, paired;
    double *xx;   // (d + 1, d + 1) sum of x^ x^^T, both triangles; its last element is the token
                  // count
    double *yx;   // (m, d + 1) sum of y x^^T
    double *yy;   // (m) sum of y^2
    double *dx;   // (d, d + 1) sum of x x^^T, of paired sums until they are reduced
    int64_t *acc; // (2, n) fixed point, n numbers in all
    size_t n;
    chained_room *packed;         /* what a chunk's products are made in */
    const struct hessian *beside; /* whose xx, yx, yy, dx hold a chunk's products, and whose packed
                                     is used; NULL: own ones */
} hessian;

/* Zero sums; the caller destroys. beside: sums of the same kind and size that are taken in turns
 * with these: a chunk's products then have room there, and these have none until they are reduced,
 * before which the others may not be destroyed; NULL: none. */
err hessian_create(int d, int m, const hessian *beside, hessian **out);
err hessian_create_paired(int d, int m, const hessian *beside, hessian **out);
void hessian_destroy(hessian **h); /* NULL is allowed */

/* 1: for m outputs of d inputs paired sums take fewer operations. */
int hessian_pays_paired(int d, int m);

/* Add one chunk: x (T, d + 1) with a last column of ones; y (T, m), m = 0: y is not read; of
 * paired sums y is (T, d + 1), the other inputs, with a last column of ones too. ERR_FAILED: a sum
 * is not finite or beyond 2^41. Not collective. */
err hessian_add(hessian *h, const double *x, const double *y, int T);

/* xx, yx, yy: the sums over all chunks of all ranks, on every rank. Called once, of paired sums
 * hessian_pair afterwards. Collective. */
err hessian_reduce(hessian *h, const par *p);

/* Of reduced sums of x (m = 0): yy (m) of the outputs y = w x, w (m, d). Not collective. */
err hessian_squares(hessian *dense, const double *w, int m);
/* yx, yy of paired, reduced sums h: w (m, d) makes y of x, whose sums are dense, with its squares.
 * Not collective. */
err hessian_pair(hessian *h, const double *w, const hessian *dense);

#endif
