/* distributed.h: one factorisation by ScaLAPACK over all ranks. Private to linalg. */
#ifndef ESPALIER_LINALG_DISTRIBUTED_H
#define ESPALIER_LINALG_DISTRIBUTED_H

#include "par/par.h"

/* As local_spd, but a (d, d) is read only, on every rank; results are on every rank. Collective. */
err distributed_spd(const par *p, double *inverse, double *x, int m, const double *a, int d,
                    double norm, double least, double *rcond);

#endif
