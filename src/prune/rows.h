/* rows.h: pruning of one stage: all rows of the linears that share one input, by any method and to
 * several sparsities at once, shared out over ranks: the rows of exact OBS one by one, to whoever
 * is free. What a row becomes does not depend on who prunes it. */
#ifndef ESPALIER_PRUNE_ROWS_H
#define ESPALIER_PRUNE_ROWS_H

#include "prune/refit.h"
#include "prune/selection.h"

typedef enum rows_method {
    ROWS_OBS,       /* exact OBS (obs.h); with the dense target and Hessian this is OBC */
    ROWS_SPARSEGPT, /* arXiv 2301.00774 (sparsegpt.h) */
    ROWS_WANDA,     /* arXiv 2306.11695 (scores.h) */
    ROWS_MAGNITUDE, /* lowest |w| of a whole linear */
    ROWS_RANDOM     /* scores.h */
} rows_method;

typedef enum rows_share {
    SHARE_AUTO,   /* as the method is defined: row, but linear for magnitude and SparseGPT */
    SHARE_ROW,    /* every row of a linear loses the same number */
    SHARE_LINEAR, /* rows of one linear get unequal shares: what costs least goes first; OBS: by the
                     rows' loss traces (arXiv 2208.11580, section 4) */
} rows_share;

typedef struct rows_request {
    rows_method method;
    const double *sparsity; // (n, linears) share of each linear's weights to remove, in [0, 1]
    int n;                  /* results */
    const int *linear_rows; // (linears) rows of each linear, in order; they sum to the stage's
    int linears;
    pattern pattern;  /* N:M instead of sparsity, which is not read then (n is 1); {0, 0}: none */
    rows_share share; /* without a pattern */
    int exact;        /* 1: OBS in float64 throughout; 0: float32 work on the float64 inverse */
    int swaps;        /* most exchanges of a kept and a removed weight in a row, once its mask is
                         chosen (swaps.h); 0: none. Judged with the weights as they are where the
                         method leaves them so and refit is 0, else after least squares */
    int refit;        /* 1: least squares of the kept weights at the end, in float64 */
    const double *trace; // (linears) OBS without a pattern: results are cut from one run that goes
                         // on to such a share; NULL: to the largest of sparsity
    const hessian *const
        *seen;      // (n) sums that each result's errors are measured against, NULL: own
    double damping; /* ridge / mean diagonal of H where refit made no inverse (SparseGPT, ...) */
    uint64_t seed;  /* random: masks are a function of seed, site, row and column */
    uint32_t site;  /* number of the stage in its model */
    err (*meanwhile)(void *with); /* what a rank does before it prunes rows, once where it comes to
                                     that: work that the others need not wait for, as they take the
                                     rows in the meantime; not collective; NULL: nothing */
    void *with;
} rows_request;

typedef struct pruned_rows {
    int d, m;
    float *w;         // (m, d)
    double *shift;    // (m) bias minus the dense bias
    double *error;    // (m) sum over tokens of squared output errors, w and shift in float32
    int64_t *removed; // (m) weights
    int64_t *swapped; // (m) 1-swaps that were made
    double damping;   /* ridge / mean diagonal that the method used; 0: none */
    int retries;      /* factorisations of its own that failed before */
} pruned_rows;

/* "adaptive" and "obc": ROWS_OBS, "sparsegpt", "wanda", "magnitude" and "magnitude-global":
 * ROWS_MAGNITUDE, "random". ERR_USAGE: something else. Not collective. */
err rows_method_of(const char *name, rows_method *out);

/* 1 if r->inverse is needed for this request. Not collective. */
int rows_need_inverse(const rows_request *q);

/* Prune r->start as q asks: out (q->n), one for every line of q->sparsity. own: the sums that r
 * came from, against which errors are measured; for_obs: those whose Hessian OBS, SparseGPT, Wanda,
 * swaps and refit use, the same as refit_job's. bias (m): the dense one. Biases follow the inputs'
 * means that r holds (refit.h): without the bias column they stay. On every rank; the caller frees
 * each. ERR_USAGE: sparsity outside [0, 1], a pattern that does not divide d; ERR_FAILED: an
 * inverse or Hessian that is not positive definite. Collective over p. */
err rows_prune(const par *p, const refit *r, const hessian *own, const hessian *for_obs,
               const float *bias, const rows_request *q, pruned_rows *out);
void rows_free(pruned_rows *r);

#endif
