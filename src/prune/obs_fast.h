/* obs_fast.h: exact OBS for one row at the speed of matrix products, in float32 on an inverse that
 * was made in float64; obs.h is its reference.
 *
 * The inverse is not brought up to date as a whole. With u_s the vectors of the removals so far,
 * what it is now is G - sum u_s u_s^T, and only the columns of weights that are removed are ever
 * needed. They are formed ahead, as one product (obs_vectors.h) for weights that will go soon as
 * far as the columns at hand tell (foresight.h); a weight that comes up without a column brings the
 * next such product about. Columns that are held get the vectors of an epoch, some dozen removals,
 * at its end; until then one lacks the epoch's own vectors, few enough to lie in the cache. So
 * every choice is made on scores that are up to date: the greedy order is exact, but for scores
 * that agree to float32 rounding.
 *
 * Weights, diagonal and scores are float64, vectors and columns float32; where there is a matrix
 * unit, products take the vectors as fixed-point numbers of 24 bits (obs_product_digits.c): their
 * results are off by three to six times what float32 sums are, 3e-6 of the weights of 3072 inputs.
 *
 * About d k^2 - 2 k^3 / 3 floating-point operations; to update the inverse all
 * along takes (d^3 - (d - k)^3) / 3, of which the part of weights that stay is never looked at. For
 * k = d both are d^3 / 3. Not collective. */
#ifndef ESPALIER_PRUNE_OBS_FAST_H
#define ESPALIER_PRUNE_OBS_FAST_H

#include "prune/obs.h"
#include "prune/obs_product.h"

typedef struct obs_fast obs_fast; /* scratch for rows of one width */

/* product: how it multiplies; NULL: as fast as this machine can. Up to 4 d^2 bytes, and 1.5
 * KiB for each input, are touched; the caller destroys. */
err obs_fast_create(int d, const obs_product *product, obs_fast **out);
void obs_fast_destroy(obs_fast **s); /* NULL is allowed */

/* The same as obs_run, with inverse (d, d) rounded to float32. *exact = 0, and nothing else is
 * defined, where float32 is not enough: a diagonal element has shrunk below 2^-10 of its start, so
 * that its rounding is felt; the row wants obs_run. */
void obs_fast_run(obs_fast *s, const obs_plan *plan, const double *w, const float *inverse,
                  double *out, char *kept, int32_t *order, double *loss, int *exact);

/* Of the last row: products, columns formed and floating-point operations in them (benchmarks). */
typedef struct obs_fast_counts {
    int64_t products, columns;
    double operations;
} obs_fast_counts;

obs_fast_counts obs_fast_count(const obs_fast *s);

#endif
