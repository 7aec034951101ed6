/* obs.h: exact Optimal Brain Surgeon for one row of a linear layer (arXiv 2208.11580, Algorithm 1;
 * the row loop of arXiv 2310.13191, Algorithm 1).
 *
 * Rows are independent and share the inverse Hessian. k times: remove the weight p with the
 * smallest w_p^2 / [H^-1]_pp, ties to the lowest p; compensate with w -= w_p / [H^-1]_pp *
 * [H^-1]_:,p; take p out of this row's copy of the inverse. The result is, for the mask that it
 * chose, the least-squares refit of the kept weights.
 *
 * Must match between obs_run and obs_row_reference: order, mask, losses, weights (to rounding;
 * where two scores agree to rounding the order may differ).
 *
 * Nothing here is collective. */
#ifndef ESPALIER_PRUNE_OBS_H
#define ESPALIER_PRUNE_OBS_H

#include "prune/selection.h"

#include <stdint.h>

typedef struct obs obs; /* scratch for rows of one width */

err obs_create(int d, obs **out); /* about 8 d^2 bytes, float64; the caller destroys */
void obs_destroy(obs **s);        /* NULL is allowed */

/* How many of n weights a sparsity removes: floor(s n), where a product that misses an integer by
 * rounding alone counts as that integer (0.29 * 100 is 28.999...96). */
int64_t obs_removals(double sparsity, int64_t n);

/* what is wanted of a row */
typedef struct obs_plan {
    const int *at; // (n) removals after which the weights are wanted, ascending; the last: in all
    int n;
    pattern pattern; /* weights that it keeps are never chosen; whole blocks cost w_B^T
                        ([H^-1]_BB)^-1 w_B and go weight by weight; {0}: none */
} obs_plan;

/* Remove weights of w (d), one after the other; inverse (d, d) full, symmetric. One pass gives all
 * that is wanted: out (plan->n, d) weights and kept (plan->n, d) their masks; order (k): indices as
 * they were removed; loss (k): each one's w_p^2 / [H^-1]_pp; NULL: not wanted. Removals are taken
 * in blocks: within a block only the columns that are removed are formed, from the inverse at the
 * block's start and the block's own vectors; at its end one symmetric update of the still active
 * part. About (d^3 - (d - k)^3) / 3 floating-point operations. ERR_FAILED: inverse is not positive
 * definite. */
err obs_run(obs *s, const obs_plan *plan, const double *w, const double *inverse, double *out,
            char *kept, int32_t *order, double *loss);

/* The same by the definition: the whole inverse is updated after every removal; about 2 d^2 k
 * floating-point operations, bound by memory. */
err obs_row_reference(double *w, const double *inverse, int d, int k, int32_t *order, double *loss);

#endif
