#include "linalg/local.h"

#include "linalg/dense.h"

#include <lapacke.h>
#include <stddef.h>
#include <string.h>

/* info < 0 is a wrong argument: our bug. info > 0 is about the numbers: the callers below. */
static err argument(const char *routine, lapack_int info) {
    CHECK(info >= 0, ERR_FAILED, "%s: argument %d is illegal: a bug in espalier, please report it",
          routine, (int)-info);
    return OK;
}

err local_spd(double *inverse, double *x, int m, double *a, int d, double norm, double least,
              double *rcond) {
    /* a is symmetric: LAPACK's column-major upper triangle is our row-major lower one, and the rows
     * of x are its right-hand-side columns. No transposition anywhere. */
    *rcond = 0.0;
    lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', d, a, d);
    CALL(argument("dpotrf", info));
    if (info > 0)
        return OK;
    CALL(argument("dpocon", LAPACKE_dpocon(LAPACK_COL_MAJOR, 'U', d, a, d, norm, rcond)));
    if (!(*rcond > least)) {
        *rcond = 0.0;
        return OK;
    }
    if (x && m > 0)
        CALL(argument("dpotrs", LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', d, m, a, d, x, d)));
    if (inverse) {
        info = LAPACKE_dpotri(LAPACK_COL_MAJOR, 'U', d, a, d);
        CALL(argument("dpotri", info));
        CHECK(info == 0, ERR_FAILED, "dpotri: the factor of order %d has a zero on its diagonal",
              d);
        if (inverse != a)
            memcpy(inverse, a, (size_t)d * (size_t)d * sizeof *a);
        dense_mirror(inverse, d);
    }
    return OK;
}
