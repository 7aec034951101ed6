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

enum { BLOCK = 256 };

/* The lower factor, in place. Row-major lower is what LAPACK, by columns, calls upper; its own
 * blocks are narrower, which at orders of thousands takes a seventh longer. */
static err cholesky(double *a, int ld, int n) {
    for (int k = 0; k < n; k += BLOCK) {
        int b = n - k < BLOCK ? n - k : BLOCK, rest = n - k - b;
        double *own = a + (size_t)k * (size_t)ld + k, *below = own + (size_t)b * (size_t)ld;
        lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', b, own, ld);
        CHECK(info == 0, ERR_FAILED, "the matrix is not positive definite (order %d, minor %d)", n,
              k + (int)info);
        if (rest == 0)
            break;
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rest, b, 1.0,
                    own, ld, below, ld);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, rest, b, -1.0, below, ld, 1.0,
                    below + b, ld);
    }
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
