/* sparsegpt.h: SparseGPT (arXiv 2301.00774): columns from left to right, in blocks; a block's mask
 * is chosen at its start, and what a removed weight did is made up for by the columns to its right.
 *
 * With G = H^-1 = U^T U (U upper) the method sets err_c = w_c / U_cc for a removed weight c and
 * W[:, c:] -= err_c U[c, c:]. Neither G nor U is formed here: R = U^-1 is the upper factor of H = R
 * R^T, and with D = W0 - W, what the finished columns differ from the start by, the columns of a
 * block B begin as W0_B + D R_:B (R_BB)^-1, the finished rows of R alone counting. That is one
 * Cholesky factorisation where the definition takes two and an inverse. The product D R_:B is
 * float32, what comes before and after it float64. */
#ifndef ESPALIER_PRUNE_SPARSEGPT_H
#define ESPALIER_PRUNE_SPARSEGPT_H

#include "prune/selection.h"

enum { SPARSEGPT_BLOCK = 128 };

typedef struct sparsegpt_plan {
    double sparsity; /* share removed from every block of columns */
    pattern pattern; /* instead of sparsity; {0, 0}: none */
    int rows_alike;  /* 1: from every row of a block; 0: from all its rows together */
    int block;       /* columns; made a multiple of the pattern's M */
} sparsegpt_plan;

/* w (m, d): in the start, out the pruned weights; kept (m, d) their mask; factor (d, d) upper with
 * H = factor factor^T (linalg/factor.h). About m d^2 floating-point operations. Not collective. */
err sparsegpt_prune(double *w, char *kept, const double *factor, int m, int d,
                    const sparsegpt_plan *plan);

/* The same by the definition, from the inverse (d, d) of H: every column updates all that follow.
 */
err sparsegpt_reference(double *w, char *kept, const double *inverse, int m, int d,
                        const sparsegpt_plan *plan);

#endif
