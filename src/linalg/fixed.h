/* fixed.h: products of float64 matrices in fixed point, on the CPU's matrix unit.
 *
 * Every row of an operand (a column of x, where x is summed over its rows) is rounded to 31 bits of
 * the largest number in it, cut into four digits of eight bits, and multiplied as integers: ten of
 * the sixteen products of digits; what is left out is below 2^-28 of the product of both rows'
 * largest numbers, and every sum is exact. For sums of calibration tokens that is about 1e-9 of the
 * diagonal, where float32 would be off by 1e-7, at more than twice the rate of float64.
 *
 * Not collective; one thread. */
#ifndef ESPALIER_LINALG_FIXED_H
#define ESPALIER_LINALG_FIXED_H

#include "base/err.h"

/* 1 if the CPU can, and amx_use allows it; else, and where a side is short, products are dense.h's.
 */
int fixed_here(void);

/* The same as dense_gram, dense_cross and dense_linear. A number that is not finite makes all sums
 * of its row NaN. ERR_FAILED: no memory. */
err fixed_gram(double *c, const double *x, int T, int d);
err fixed_cross(double *c, const double *y, int ldy, const double *x, int ldx, int T, int m, int d);
err fixed_linear(double *y, const double *x, int ldx, const double *w, int T, int m, int d);

#endif
