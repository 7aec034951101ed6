#include "linalg/eigen.h"

#include "base/arena.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

err eigen_top(double *a, int d, int k, double *values, double *vectors) {
    CHECK(k >= 1 && k <= d, ERR_FAILED, "%d eigenvectors of a matrix of order %d", k, d);
    double *w = NULL, *z = NULL;
    lapack_int *support = NULL, found = 0;
    err e;
    TRY(mem_alloc((size_t)d, sizeof *w, &w));
    TRY(mem_alloc((size_t)d * (size_t)k, sizeof *z, &z));
    TRY(mem_alloc(2 * (size_t)k, sizeof *support, &support));
    /* a is symmetric: column-major is the same matrix, and eigenvectors come as contiguous columns
     */
    lapack_int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'U', d, a, d, 0, 0, d - k + 1, d,
                                     0.0, &found, w, z, d, support);
    ENSURE(info == 0 && found == k, ERR_FAILED, "eigenvectors: dsyevr returned %d, found %d of %d",
           (int)info, (int)found, k);
    for (int j = 0; j < k; j++) {
        const double *column = z + (size_t)(k - 1 - j) * (size_t)d;
        double largest = 0.0;
        for (int i = 0; i < d; i++)
            if (fabs(column[i]) > fabs(largest))
                largest = column[i];
        values[j] = w[k - 1 - j];
        for (int i = 0; i < d; i++)
            vectors[(size_t)i * (size_t)k + (size_t)j] = largest < 0.0 ? -column[i] : column[i];
    }
done:
    free(w);
    free(z);
    free(support);
    return e;
}
