/* eigen.h: leading eigenvectors of a symmetric matrix (LAPACK dsyevr). Not collective. */
#ifndef ESPALIER_LINALG_EIGEN_H
#define ESPALIER_LINALG_EIGEN_H

#include "base/err.h"

/* The k largest eigenvalues of the symmetric a (d, d), which is destroyed: values (k) descending
 * and vectors (d, k), column j belonging to values[j], its sign fixed so that the largest entry is
 * positive. ERR_FAILED when LAPACK does not converge or memory runs out. */
err eigen_top(double *a, int d, int k, double *values, double *vectors);

#endif
