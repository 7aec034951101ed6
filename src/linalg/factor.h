/* factor.h: the upper Cholesky factor, from which SparseGPT and least squares on a few inputs are
 * solved. One thread. */
#ifndef ESPALIER_LINALG_FACTOR_H
#define ESPALIER_LINALG_FACTOR_H

#include "base/err.h"

/* r (d, d) upper with a = r r^T; the inverse of r is the upper factor u of a^-1 = u^T u. a (d, d)
 * symmetric, both triangles; r may be a. ERR_FAILED: a is not positive definite. Not collective. */
err factor_upper(double *r, const double *a, int d);

/* x (n) = a^-1 x; the lower triangle of a (n, n), rows ld apart, becomes its Cholesky factor.
 * ERR_FAILED: a is not positive definite. Not collective. */
err factor_solve(double *x, double *a, int ld, int n);

/* a (n, n), rows ld apart, both triangles, becomes its inverse. ERR_FAILED: not positive definite.
 * Not collective. */
err factor_inverse(double *a, int ld, int n);

#endif
