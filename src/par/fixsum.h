/* fixsum.h: sums that are the same bits in any order and on any number of ranks.
 *
 * A value is split into two signed 64-bit fixed-point numbers, value = hi * 2^-20 + lo * 2^-60 with
 * 0 <= lo < 2^40; integers add associatively. Exact to 2^-61 a term for |x| <= 2^42 and up to 2^22
 * terms. */
#ifndef ESPALIER_PAR_FIXSUM_H
#define ESPALIER_PAR_FIXSUM_H

#include "par/par.h"

/* acc (2, n) += x (n): hi in the first n, lo in the second. ERR_FAILED: non-finite or |x| > 2^42.
 */
err fixsum_add(int64_t *acc, const double *x, size_t n);
/* Sum acc over all ranks, result on every rank. Collective. */
err fixsum_reduce(const par *p, int64_t *acc, size_t n);
/* x (n) = the value of acc (2, n), correctly rounded enough for float64 (one rounding a limb). */
void fixsum_value(double *x, const int64_t *acc, size_t n);

/* The one-limb form for gradients: unit 2^-44, |x| < 2^18, non-finite values raise *bad. */
void fixsum_add_f32(int64_t *acc, const float *x, size_t n, int *bad);
void fixsum_value_f32(float *x, const int64_t *acc, size_t n);
err fixsum_reduce_f32(const par *p, int64_t *acc, size_t n); /* Collective. */

#endif
