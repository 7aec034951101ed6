/* linalg.h: symmetric positive definite systems behind one call: Cholesky factor, inverse, least
 * squares.
 *
 * Two ways: "local", LAPACK on every rank, each doing the same; "distributed", ScaLAPACK over all
 * ranks, block-cyclic on a near-square grid. They agree to rounding, not in the last bits, and the
 * bits of the distributed one depend on the grid. So "auto" chooses by the size alone: below
 * LINALG_CROSSOVER it is local, and results do not depend on the number of ranks. */
#ifndef ESPALIER_LINALG_LINALG_H
#define ESPALIER_LINALG_LINALG_H

#include "par/shared.h"

/* "auto" is local below this order, whatever the number of ranks: results may not depend on it.
 * `make bench NAME=factor`, two ranks of one machine, busy: order 768 0.09 s local and 0.18 s
 * distributed, 1536 0.58 and 0.92 s, 3072 3.2 and 4.0 s. The two come together slowly; more ranks
 * gain more, but every width of today's encoders (up to 4096) is below. */
enum { LINALG_CROSSOVER = 8192 };

typedef struct linalg_report {
    char factorisation[16]; /* "local" or "distributed" */
    double ridge;           /* that was added to the diagonal in the end */
    int retries;      /* factorisations that failed before, each with a tenth of the next ridge */
    double condition; /* of A + ridge I in the 1-norm: exact where an inverse was made, else
                         ?pocon's estimate, which may be several times too low */
    double residual;  /* max |(A + ridge I) inverse - I| over up to 256 rows spread evenly; NaN
                         when no inverse was asked for */
} linalg_report;

/* how: "auto", "local", "distributed" (all ranks in a grid that is near-square), or "distributed
 * 2x3": on a grid of 2 x 3 ranks; ranks beyond it wait. "auto 2x3" is "auto" with that grid where
 * it is distributed. ERR_USAGE: none of these, or a grid of more ranks than p has. Not collective.
 */
err linalg_check(const par *p, const char *how);
/* 1 if a matrix of order d is factored locally by `how`, one of these. Not collective. */
int linalg_is_local(const char *how, int d);

/* Factor A + ridge I once and use it for what is asked:
 *
 *   inverse (d, d)  out: (A + ridge I)^-1, both triangles; NULL: not wanted
 *   x (m, d)        in: right-hand sides B by rows; out: B (A + ridge I)^-1; NULL: none
 *   a (d, d)        symmetric, both triangles; the same on every rank
 *
 * A factorisation that fails (A + ridge I is not positive definite, or its condition number exceeds
 * 1e14) is tried again with ten times the ridge, at most 8 times; report says so. From ridge 0 the
 * next is 1e-10 times the mean of the diagonal. how: as of linalg_check. ERR_FAILED:
 * A is not finite, no ridge helped, no memory; x is undefined then. Results are the same bytes on
 * every rank. Collective over par. */
err linalg_spd(const par *p, double *inverse, double *x, int m, const double *a, int d,
               double ridge, const char *how, linalg_report *report);

/* The same with an inverse that each node holds once: a block of at least d * d * 8 bytes. Locally
 * one rank of a node factors for all of them, so the bytes are those of linalg_spd. */
err linalg_spd_shared(const par *p, const shared *inverse, double *x, int m, const double *a, int d,
                      double ridge, const char *how, linalg_report *report);

#endif
