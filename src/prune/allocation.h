/* allocation.h: how much each row of a linear, or each linear of a model, is to lose, where not all
 * lose the same. Nothing here is collective. */
#ifndef ESPALIER_PRUNE_ALLOCATION_H
#define ESPALIER_PRUNE_ALLOCATION_H

#include "base/err.h"

#include <stdint.h>

/* Rows of one linear from their loss traces (arXiv 2208.11580, section 4): loss (rows, d), what
 * each row's next removal costs. `total` times the row whose next removal is cheapest loses one,
 * ties to the lowest row: count (rows). */
err allocation_rows(const double *loss, int rows, int d, int64_t total, int *count);

/* One of S choices for each of L linears, so that they remove at least `total` weights and the sum
 * of their costs is least, by a dynamic program: cost (L, S), finite; removed (L, S); choice (L).
 * Removed weights are counted in `steps` steps of the largest possible sum, rounded down, which is
 * all that keeps the answer from being exact; it never removes less than total. ERR_USAGE: no
 * choice removes enough. */
err allocation_linears(const double *cost, const int64_t *removed, int L, int S, int64_t total,
                       int steps, int *choice);

/* By linear from a file: lines "block<TAB>linear<TAB>sparsity", # begins a comment. sparsity
 * (L): of the linears (block[l], linear[l]) in this order. ERR_IO: no such file; ERR_DATA: a line
 * that is not like this, a linear that is missing, twice or unknown, a sparsity outside [0, 1]. */
err allocation_read(const char *file, const int *block, const char *const *linear, int L,
                    double *sparsity);

#endif
