/* sparsegpt.c: seconds of CPU time that SparseGPT takes espalier from H to pruned weights, one line
 * a turn; started by sparsegpt.py, in turns with torch.
 *
 *   sparsegpt IN OUT */
#include "peak.h"

#include "base/arena.h"
#include "base/rng.h"
#include "linalg/dense.h"
#include "linalg/factor.h"
#include "prune/sparsegpt.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>

/* H of 2 d tokens whose inputs are like their neighbours, damped */
static err make_hessian(int d, double **h) {
    size_t n = (size_t)d, T = 2 * n;
    double *x;
    CALL(mem_alloc(T * n, sizeof *x, &x));
    CALL(mem_alloc(n * n, sizeof **h, h));
    rng_stream s = rng_open(1, RNG_TEST, 1, 0);
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < n; i++)
            x[t * n + i] = rng_normal(&s) + (i > 0 ? 0.7 * x[t * n + i - 1] : 0.0);
    dense_gram(*h, x, 2 * d, d);
    dense_mirror(*h, d);
    for (size_t i = 0; i < n * n; i++)
        (*h)[i] = (*h)[i] / (double)T + (i % (n + 1) == 0 ? 0.01 : 0.0);
    free(x);
    return OK;
}

static err turn(int d, int m) {
    const sparsegpt_plan plan = {.sparsity = 0.5, .block = SPARSEGPT_BLOCK};
    size_t all = (size_t)m * (size_t)d;
    double *h, *w;
    char *kept;
    CALL(make_hessian(d, &h));
    CALL(mem_alloc(all, sizeof *w, &w));
    CALL(mem_alloc(all, 1, &kept));
    rng_stream s = rng_open(1, RNG_TEST, 2, 0);
    for (size_t i = 0; i < all; i++)
        w[i] = rng_normal(&s);
    double start = peak_now();
    CALL(factor_upper(h, h, d));
    CALL(sparsegpt_prune(w, kept, h, m, d, &plan));
    printf("%.4f\n", peak_now() - start);
    free(h);
    free(w);
    free(kept);
    return OK;
}

int main(int argc, char **argv) {
    blas_start(argv);
    if (argc != 3) {
        fprintf(stderr, "usage: sparsegpt IN OUT\n");
        return 2;
    }
    blas_single_thread();
    err e = turn(atoi(argv[1]), atoi(argv[2]));
    if (e != OK)
        fprintf(stderr, "sparsegpt: %s\n", err_message());
    return (int)e;
}
