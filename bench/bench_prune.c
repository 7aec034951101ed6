/* Speeds of pruning as shares of the core's float64 limit: exact OBS in blocks and by the
 * definition, the Hessian's sums. */
#include "peak.h"
#include "prune_sums.h"
#include "share.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "linalg/dense.h"
#include "linalg/linalg.h"
#include "prune/obs.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* GFLOP/s of float64 multiply-adds, taken right beside what is held against it */
static double fma_limit(void) {
    enum { BURSTS = 9 };
    double x[BURSTS];
    for (int i = 0; i < BURSTS; i++)
        x[i] = peak_fp64() * 1e-9;
    return share_median(x, BURSTS);
}

static err random_matrix(size_t n, uint32_t which, double **out) {
    CALL(mem_alloc(n, sizeof **out, out));
    for (size_t i = 0; i < n; i += 4) {
        uint32_t r[4];
        rng_block(1, RNG_TEST, which, (uint32_t)(i >> 32), (uint32_t)i, r);
        for (size_t k = 0; k < 4 && i + k < n; k++)
            (*out)[i + k] = (double)rng_float(r[k]) - 0.5;
    }
    return OK;
}

/* a well-conditioned covariance of 2 d random tokens: (d, d) */
static err covariance(int d, double **out) {
    double *x;
    CALL(random_matrix(2 * (size_t)d * (size_t)d, 0, &x));
    CALL(mem_alloc((size_t)d * (size_t)d, sizeof **out, out));
    dense_gram(*out, x, 2 * d, d);
    dense_mirror(*out, d);
    free(x);
    return OK;
}

static err bench_obs(const par *p, int d, int rows, int reference_removals) {
    size_t n = (size_t)d;
    int k = d / 2;
    double *a, *w, *w0, *inverse;
    linalg_report r;
    obs *s;
    char *kept;
    CALL(covariance(d, &a));
    CALL(mem_alloc(n, 1, &kept));
    CALL(random_matrix(n, 3, &w0));
    CALL(mem_alloc(n * n, sizeof *inverse, &inverse));
    CALL(mem_alloc(n, sizeof *w, &w));
    CALL(linalg_spd(p, inverse, NULL, 0, a, d, 0.0, "local", &r));
    CALL(obs_create(d, &s));
    double limit = fma_limit(), fast = 0.0;
    for (int i = 0; i <= rows; i++) { /* the first only warms up */
        double start = peak_now();
        CALL(obs_run(s, &(obs_plan){.at = &k, .n = 1}, w0, inverse, w, kept, NULL, NULL));
        fast += i > 0 ? (peak_now() - start) / rows : 0.0;
    }
    memcpy(w, w0, n * sizeof *w);
    double start = peak_now();
    CALL(obs_row_reference(w, inverse, d, reference_removals, NULL, NULL));
    double slow = (peak_now() - start) * k / reference_removals;
    double flops = ((double)d * d * d - (double)(d - k) * (d - k) * (d - k)) / 3.0;
    if (p->rank == 0)
        printf(
            "exact OBS in %4d, 50 %%: %8.2f ms a row, %6.1f s for 768 rows, %4.0f %% of the limit; "
            "rank-1 updates %9.2f ms a row, %.1f times slower\n",
            d, 1e3 * fast, 768.0 * fast, 100.0 * flops / fast * 1e-9 / limit, 1e3 * slow,
            slow / fast);
    obs_destroy(&s);
    free(a);
    free(w);
    free(w0);
    free(kept);
    free(inverse);
    return OK;
}

static err bench(const par *p) {
    if (p->rank == 0) {
        CALL(prune_sums_bench(768, 768));
        CALL(prune_sums_bench(768, 3 * 768));
        CALL(prune_sums_bench(3072, 768));
    }
    CALL(bench_obs(p, 768, 40, 384));
    return bench_obs(p, 3072, 3, 96);
}

int main(int argc, char **argv) {
    par *p;
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    blas_single_thread();
    err e = bench(p);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_prune: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
