/* distributed.h: one factorisation by ScaLAPACK over all ranks. Private to linalg. */
#ifndef ESPALIER_LINALG_DISTRIBUTED_H
#define ESPALIER_LINALG_DISTRIBUTED_H

#include "par/shared.h"

/* Where results go: every rank's own memory (node NULL), or memory that a node holds once. */
typedef struct distributed_job {
    int rows, cols;     /* of the grid; rows x cols <= p->size, ranks beyond it compute nothing */
    const double *a;    // (d, d) read only, on every rank
    double ridge;       /* added to its diagonal */
    double norm, least; /* 1-norm of a + ridge I; as of local_spd */
    int d, m;
    double *inverse;    // (d, d), NULL: not wanted
    const shared *node; /* that inverse lies in; NULL: every rank has its own */
    double *x;          // (m, d) on every rank; NULL: none
    double *rcond;
} distributed_job;

/* As local_spd, of a + ridge I; results are on every rank. Collective over p. */
err distributed_spd(const par *p, const distributed_job *j);

#endif
