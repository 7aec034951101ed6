/* prune_sums.h: speed of the sums over calibration tokens (prune/hessian.h) against the rate of
 * BLAS's own symmetric product dsyrk on the same matrix, measured in turns. */
#ifndef ESPALIER_BENCH_PRUNE_SUMS_H
#define ESPALIER_BENCH_PRUNE_SUMS_H

#include "base/err.h"

/* Prints a line for one linear layer of d inputs and m outputs. Not collective. */
err prune_sums_bench(int d, int m);

#endif
