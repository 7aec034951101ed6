/* fixsum.h: sums that are the same bits in any order and on any number of ranks.
 *
 * A sum is kept in two signed 64-bit limbs, sum = hi * 2^-20 + lo * 2^-60 with 0 <= lo < 2^40, and
 * integers add associatively. A term is rounded once, to the nearest multiple of 2^-60; nothing is
 * lost after that, however many terms there are. Sums must stay below 2^41 / ranks in magnitude;
 * that is checked, never wrapped. */
#ifndef ESPALIER_PAR_FIXSUM_H
#define ESPALIER_PAR_FIXSUM_H

#include "par/par.h"

/* acc (2, n) += x (n): hi in the first n, lo in the second; starts as zeros. Not collective.
 * ERR_FAILED: a term is not finite, or a term or sum is above 2^41. */
err fixsum_add(int64_t *acc, const double *x, size_t n);
/* The same with the two limbs of these n sums where they are (parts of a longer acc). */
err fixsum_add_limbs(int64_t *hi, int64_t *lo, const double *x, size_t n);
/* Sum acc (2, n) over all ranks, result on every rank. ERR_FAILED: too large. Collective. */
err fixsum_reduce(const par *p, int64_t *acc, size_t n);
/* x (n) = the value of acc (2, n) as float64, rounded once below 2^33. Not collective. */
void fixsum_value(double *x, const int64_t *acc, size_t n);
void fixsum_value_limbs(double *x, const int64_t *hi, const int64_t *lo, size_t n);

/* The one-limb form for gradients: acc (n) in units of 2^-44, up to 64 terms in all. A term
 * that is not finite or above 2^12 in magnitude sets *bad (1), and nothing of x is added: no
 * gradient that training can go on from has an entry of 4096. Not collective. */
void fixsum_add_f32(int64_t *acc, const float *x, size_t n, int *bad);
void fixsum_value_f32(float *x, const int64_t *acc, size_t n);
err fixsum_reduce_f32(const par *p, int64_t *acc, size_t n); /* Collective. */

#endif
