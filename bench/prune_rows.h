/* prune_rows.h: speeds of pruning rows, for bench_prune: exact OBS against plain rank-1 updates and
 * the core's float32 limit, SparseGPT, exchanges after it, and all rows of a stage over ranks. */
#ifndef ESPALIER_BENCH_PRUNE_ROWS_H
#define ESPALIER_BENCH_PRUNE_ROWS_H

#include "par/par.h"

/* One line each on rank 0. Collective over p. */
err prune_rows_bench(const par *p);

#endif
