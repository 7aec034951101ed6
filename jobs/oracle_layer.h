/* oracle_layer.h: one layer pruned by every method that the vectors of oracle prune hold: exact OBS
 * by each of its paths, least squares on its masks, SparseGPT by both of its, Wanda. */
#ifndef ESPALIER_JOBS_ORACLE_LAYER_H
#define ESPALIER_JOBS_ORACLE_LAYER_H

#include "vectors.h"

#include "prune/refit.h"

/* r: target and inverse of the vectors' layer, without a bias; h: its sums. Not collective. */
err oracle_layer(vectors *v, const refit *r, const hessian *h);

/* Its parts: exact OBS at one sparsity; one figure, "method.sparsity.part". Not collective. */
err oracle_layer_obs(vectors *v, const refit *r, const char *sparsity);
err oracle_layer_compare(vectors *v, const char *who, const char *method, const char *sparsity,
                         const char *part, const double *mine, int64_t n, double tolerance);

#endif
