/* refit.h: from sums over calibration tokens to what exact OBS starts from: the inverse Hessian,
 * the adaptive dense weight and the bias that goes with it (arXiv 2310.13191, Algorithm 1).
 *
 * The bias is one more weight, of a constant input 1, fitted together with the others, neither
 * damped nor ever pruned. Eliminating it first leaves the same problem in centred sums: C = X^ X^^T
 * / n - mean mean^T,   Wbar = (Y X^^T / n - mean(y) mean^T) (C + ridge I)^-1, bias = mean(y) - w .
 * mean        for any w, pruned or not. ridge = damping * mean diagonal of H = X^ X^^T / n. A dead
 * input (H_jj = 0) gets H_jj = 1 and weight 0. */
#ifndef ESPALIER_PRUNE_REFIT_H
#define ESPALIER_PRUNE_REFIT_H

#include "linalg/linalg.h"
#include "prune/hessian.h"

typedef enum refit_target {
    TARGET_DENSE,      /* the dense weight itself */
    TARGET_ADAPTIVE,   /* least squares of the outputs, small weights preferred: METHOD's Wbar */
    TARGET_NEAR_DENSE, /* least squares of the outputs, weights near the dense ones preferred: where
                          tokens are fewer than inputs (pooler, classifier) */
} refit_target;

typedef struct refit_job {
    const hessian *own; /* inputs of the pruned prefix, outputs of the dense model without bias */
    const hessian
        *obs; /* inputs whose Hessian OBS is to use: own or another one of the same width */
    const double *dense; // (m, d) the dense weight
    refit_target target;
    int bias;    /* 1: fit the constant too; 0: plain sums, no bias column */
    int inverse; /* 1: the inverse is wanted */
    double damping;
    const char *factorisation;
} refit_job;

typedef struct refit {
    int d, m;
    double *start;         // (m, d) weights that OBS starts from
    double *shift;         // (m) bias that goes with them, minus the dense bias
    double *mean;          // (d) of the inputs of obs; zeros without bias
    const double *inverse; // (d, d), NULL when not wanted; in node's block, one for all its ranks
    shared *node;
    double damping; /* ridge in the end / mean diagonal */
    linalg_report report;
    int owner; /* rank of the node that makes it for the others; -1: all of them together */
} refit;

/* ERR_FAILED: no damping makes H positive definite (linalg.h). The caller frees. Collective over p.
 */
err refit_make(const par *p, const refit_job *j, refit *out);
/* n of them, j (n), out (n), which do not depend on each other: where they are factored locally the
 * ranks of a node take one each at a time instead of waiting for the first. The bytes are those of
 * refit_make. Every inverse is held at once. */
err refit_make_all(const par *p, const refit_job *j, int n, refit *out);

/* One in three steps, so that ranks do something else while one of them factors, and the bytes of
 * refit_make: room for it; what this rank does of it alone, if it is its turn; all the rest, once
 * the ranks have agreed that the second step went well. The second is not collective, the others
 * are, over p. Locally, with an inverse, rank `turn` of every node (counted round and round) does
 * all of it. The caller frees, also after an error. */
err refit_begin(const par *p, const refit_job *j, int turn, refit *out);
err refit_alone(const refit_job *j, refit *out);
err refit_finish(const par *p, const refit_job *j, refit *out);

void refit_free(refit *r); /* collective over the ranks of its node */

/* The bias of pruned weights w (d) of row r, minus the dense bias. Not collective. */
double refit_bias(const refit *r, int row, const double *w);

/* Sums over tokens of (y - w x^ - shift)^2 for rows first to first + n - 1 of h: error (n), w (n,
 * d), shift (n). A row's bits do not depend on which others are asked for. ERR_FAILED: no memory.
 * Not collective. */
err refit_errors(const hessian *h, int first, int n, const double *w, const double *shift,
                 double *error);

#endif
