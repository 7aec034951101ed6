#include "linalg/factor.h"

#include <cblas.h>
#include <lapacke.h>
#include <stddef.h>
#include <string.h>

/* both indices count backwards */
static void turn_round(double *a, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        double x = a[i];
        a[i] = a[n - 1 - i];
        a[n - 1 - i] = x;
    }
}

/* row-major lower is what LAPACK, by columns, calls upper */
static err cholesky(double *a, int ld, int n) {
    lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a, ld);
    CHECK(info == 0, ERR_FAILED, "the matrix is not positive definite (order %d, minor %d)", n,
          (int)info);
    return OK;
}

err factor_upper(double *r, const double *a, int d) {
    size_t n = (size_t)d * (size_t)d;
    if (r != a)
        memcpy(r, a, n * sizeof *r);
    turn_round(r, n);
    CALL(cholesky(r, d, d));
    for (size_t i = 0; i + 1 < (size_t)d; i++)
        memset(r + i * (size_t)d + i + 1, 0, ((size_t)d - 1 - i) * sizeof *r);
    turn_round(r, n);
    return OK;
}

err factor_solve(double *x, double *a, int ld, int n) {
    if (n == 0)
        return OK;
    CALL(cholesky(a, ld, n));
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, a, ld, x, 1);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, n, a, ld, x, 1);
    return OK;
}

err factor_inverse(double *a, int ld, int n) {
    if (n == 0)
        return OK;
    CALL(cholesky(a, ld, n));
    lapack_int info = LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', n, a, ld);
    CHECK(info == 0, ERR_FAILED, "the factor of order %d has a zero on its diagonal", n);
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t k = 0; k < i; k++)
            a[k * (size_t)ld + i] = a[i * (size_t)ld + k];
    return OK;
}
