/* Speeds of pruning as shares of the core's limit: the Hessian's sums, exact OBS beside plain
 * rank-1 updates, SparseGPT, exchanges; under mpirun: the rows of a stage by all ranks. */
#include "prune_rows.h"
#include "prune_sums.h"

#include "tensor/blas.h"

#include <stdio.h>

static err bench(const par *p) {
    if (p->size == 1) {
        CALL(prune_sums_bench(768, 768));
        CALL(prune_sums_bench(768, 3 * 768));
        CALL(prune_sums_bench(3072, 768));
    }
    return prune_rows_bench(p);
}

int main(int argc, char **argv) {
    par *p;
    blas_start(argv);
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    blas_single_thread();
    err e = bench(p);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_prune: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
