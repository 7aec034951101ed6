/* local.h: one factorisation by LAPACK on this rank. Private to linalg. Not collective. */
#ifndef ESPALIER_LINALG_LOCAL_H
#define ESPALIER_LINALG_LOCAL_H

#include "base/err.h"

/* Factor a (d, d), overwritten. *rcond: reciprocal condition estimate, 0 when a is not positive
 * definite or worse than least: nothing else is computed then. x (m, d) becomes x a^-1, inverse (d,
 * d) a^-1; each NULL: not wanted. norm: 1-norm of a. inverse may be a itself. */
err local_spd(double *inverse, double *x, int m, double *a, int d, double norm, double least,
              double *rcond);

#endif
