/* kept.h: for a given mask the best weights: least squares of the kept ones, in float64.
 *
 * With start w0, Hessian H and removed set R the loss (w - w0)^T H (w - w0) is least at w_K = w0_K
 * - G_KR G_RR^-1 w0_R (G = H^-1), which is w0_K + H_KK^-1 H_KR w0_R. The smaller system is solved.
 * Not collective. */
#ifndef ESPALIER_PRUNE_KEPT_H
#define ESPALIER_PRUNE_KEPT_H

#include "base/err.h"

typedef struct kept_fit kept_fit; /* scratch for rows of one width */

err kept_create(int d, kept_fit **out); /* about 8 d^2 bytes; the caller destroys */
void kept_destroy(kept_fit **s);        /* NULL is allowed */

/* w (d) out, from start (d) and kept (d). gram (d, d) is H, inverse (d, d) its inverse, both full;
 * one of them may be NULL. loss: (w - w0)^T H (w - w0); NULL: not wanted. ERR_FAILED: not positive
 * definite. */
err kept_weights(kept_fit *s, double *w, const char *kept, const double *start, const double *gram,
                 const double *inverse, double *loss);

/* (w - start)^T H (w - start) of any weights. */
double kept_loss(kept_fit *s, const double *w, const double *start, const double *gram);

#endif
