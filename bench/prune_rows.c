#include "prune_rows.h"

#include "peak.h"
#include "share.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "linalg/dense.h"
#include "linalg/factor.h"
#include "linalg/linalg.h"
#include "prune/kept.h"
#include "prune/obs_fast.h"
#include "prune/rows.h"
#include "prune/sparsegpt.h"
#include "prune/swaps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT = 768, PLAIN_REMOVALS = 24, MOST = 12 };

/* a layer: H of 2 d tokens whose inputs are like their neighbours, its inverse, weights */
typedef struct layer {
    int d;
    hessian *h;
    refit r;
    float *inverse; // (d, d)
} layer;

static void layer_free(layer *l) {
    hessian_destroy(&l->h);
    refit_free(&l->r);
    free(l->inverse);
}

static err make_sums(int d, int m, hessian **out) {
    size_t n = (size_t)d + 1, T = 2 * (size_t)d;
    double *x = NULL, *y = NULL;
    par alone = par_alone();
    err e;
    TRY(mem_alloc(T * n, sizeof *x, &x));
    TRY(mem_alloc(T * (size_t)m, sizeof *y, &y));
    rng_stream s = rng_open(1, RNG_TEST, 1, 0);
    for (size_t t = 0; t < T; t++) {
        for (size_t i = 0; i < (size_t)d; i++)
            x[t * n + i] = rng_normal(&s) + (i > 0 ? 0.7 * x[t * n + i - 1] : 0.0);
        x[t * n + (size_t)d] = 1.0;
    }
    TRY(hessian_create(d, m, NULL, out));
    TRY(hessian_add(*out, x, y, (int)T));
    TRY(hessian_reduce(*out, &alone));
done:
    free(x);
    free(y);
    return e;
}

static err make_layer(int d, int m, layer *l) {
    size_t all = (size_t)m * (size_t)d, n = (size_t)d;
    par alone = par_alone();
    double *w = NULL;
    err e;
    *l = (layer){.d = d};
    TRY(make_sums(d, m, &l->h));
    TRY(mem_alloc(all, sizeof *w, &w));
    rng_stream s = rng_open(1, RNG_TEST, 2, 0);
    for (size_t i = 0; i < all; i++)
        w[i] = rng_normal(&s);
    refit_job j = {.own = l->h,
                   .obs = l->h,
                   .dense = w,
                   .target = TARGET_DENSE,
                   .inverse = 1,
                   .damping = 1e-4,
                   .factorisation = "local"};
    TRY(refit_make(&alone, &j, &l->r));
    TRY(mem_alloc(n * n, sizeof *l->inverse, &l->inverse));
    for (size_t i = 0; i < n * n; i++)
        l->inverse[i] = (float)l->r.inverse[i];
done:
    free(w);
    return e;
}

/* What everybody writes first: the whole inverse, float32, is updated in place after every removal.
 * Seconds of CPU time a removal. */
static err plain_updates(const layer *l, double *seconds) {
    size_t d = (size_t)l->d;
    float *g = NULL, *w = NULL, *row = NULL;
    err e;
    TRY(mem_alloc(d * d, sizeof *g, &g));
    TRY(mem_alloc(d, sizeof *w, &w));
    TRY(mem_alloc(d, sizeof *row, &row));
    memcpy(g, l->inverse, d * d * sizeof *g);
    for (size_t i = 0; i < d; i++)
        w[i] = (float)l->r.start[i];
    double start = peak_now();
    for (int t = 0; t < PLAIN_REMOVALS; t++) {
        size_t p = 0;
        float best = INFINITY;
        for (size_t i = 0; i < d; i++)
            if (g[i * d + i] > 1e-6f && w[i] * w[i] / g[i * d + i] < best) {
                best = w[i] * w[i] / g[i * d + i];
                p = i;
            }
        memcpy(row, g + p * d, d * sizeof *row);
        float by = 1.0f / row[p], step = w[p] * by;
        for (size_t i = 0; i < d; i++) {
            float f = row[i] * by;
            float *restrict to = g + i * d;
            const float *restrict from = row;
            w[i] -= step * row[i];
            for (size_t k = 0; k < d; k++)
                to[k] -= f * from[k];
        }
    }
    *seconds = (peak_now() - start) / PLAIN_REMOVALS;
done:
    free(g);
    free(w);
    free(row);
    return e;
}

/* one row after the other, each with the limit beside it: medians */
static err time_rows(const layer *l, const obs_plan *plan, int rows, double *seconds, double *limit,
                     obs_fast_counts *counts) {
    obs_fast *s = NULL;
    double *w = NULL, took[MOST], peak[MOST];
    char *kept = NULL;
    size_t d = (size_t)l->d;
    int enough = 1;
    err e;
    TRY(obs_fast_create(l->d, NULL, &s));
    TRY(mem_alloc(d * (size_t)plan->n, sizeof *w, &w));
    TRY(mem_alloc(d * (size_t)plan->n, 1, &kept));
    for (int i = -1; i < rows; i++) { /* the first only warms up */
        const double *start = l->r.start + (size_t)(i + 1) * d;
        double before = peak_fp32(), at = peak_now();
        obs_fast_run(s, plan, start, l->inverse, w, kept, NULL, NULL, &enough);
        ENSURE(enough, ERR_FAILED, "float32 is not enough for row %d", i + 1);
        if (i < 0)
            continue;
        took[i] = peak_now() - at;
        peak[i] = 0.5 * (before + peak_fp32());
    }
    *seconds = share_median(took, rows);
    *limit = share_median(peak, rows);
    *counts = obs_fast_count(s);
done:
    obs_fast_destroy(&s);
    free(w);
    free(kept);
    return e;
}

static err bench_obs(const layer *l, int rows) {
    static const double sparsity[] = {0.3, 0.5, 0.875};
    double d = l->d, plain;
    CALL(plain_updates(l, &plain));
    for (int i = 0; i < 3; i++) {
        int k = (int)obs_removals(sparsity[i], l->d);
        double seconds, limit, kept = d - k, counted = (d * d * d - kept * kept * kept) / 3.0;
        obs_fast_counts c;
        CALL(time_rows(l, &(obs_plan){.at = &k, .n = 1}, rows, &seconds, &limit, &c));
        printf("exact OBS %4d in, %4.1f %%: %7.2f ms a row, %5.1f s for %d rows; of %.3f Gflop "
               "counted %3.0f %% of the float32 limit (%.0f Gflop/s), %.3f done: %3.0f %%; plain "
               "rank-1 updates %6.2f ms a removal: %.1f times\n",
               l->d, 100.0 * sparsity[i], 1e3 * seconds, seconds * OUT, OUT, counted * 1e-9,
               100.0 * counted / seconds / limit, limit * 1e-9, c.operations * 1e-9,
               100.0 * c.operations / seconds / limit, 1e3 * plain, plain * k / seconds);
    }
    int at[3];
    for (int i = 0; i < 3; i++)
        at[i] = (int)obs_removals(sparsity[i], l->d);
    double seconds, limit;
    obs_fast_counts c;
    CALL(time_rows(l, &(obs_plan){.at = at, .n = 3}, rows, &seconds, &limit, &c));
    printf("exact OBS %4d in, all three in one pass: %7.2f ms a row\n", l->d, 1e3 * seconds);
    return OK;
}

/* from H to weights and masks, its factorisation included */
static err bench_sparsegpt(const layer *l, int m) {
    enum { TURNS = 3 };
    size_t d = (size_t)l->d, n = d + 1;
    double *gram = NULL, *w = NULL, took[TURNS];
    char *kept = NULL;
    const sparsegpt_plan plan = {.sparsity = 0.5, .block = SPARSEGPT_BLOCK};
    err e;
    TRY(mem_alloc(d * d, sizeof *gram, &gram));
    TRY(mem_alloc((size_t)m * d, sizeof *w, &w));
    TRY(mem_alloc((size_t)m * d, 1, &kept));
    for (int t = 0; t < TURNS; t++) {
        for (size_t i = 0; i < d * d; i++)
            gram[i] = l->h->xx[i / d * n + i % d] / l->h->xx[d * n + d] + (i % n == 0 ? 0.01 : 0.0);
        memcpy(w, l->r.start, (size_t)m * d * sizeof *w);
        double start = peak_now();
        TRY(factor_upper(gram, gram, l->d));
        TRY(sparsegpt_prune(w, kept, gram, m, l->d, &plan));
        took[t] = peak_now() - start;
    }
    printf("SparseGPT %4d in, %d out, 50 %%: %6.3f s, its factorisation included\n", l->d, m,
           share_median(took, TURNS));
done:
    free(gram);
    free(w);
    free(kept);
    return e;
}

/* exchanges from the greedy mask of one row, as many as help but no more than `most` */
static err bench_swaps(const layer *l, int most) {
    size_t d = (size_t)l->d, n = d + 1;
    int k = l->d / 2;
    double *gram = NULL, *w = NULL;
    char *kept = NULL;
    swaps *x = NULL;
    obs *o = NULL;
    swaps_report none, r;
    err e;
    TRY(mem_alloc(d * d, sizeof *gram, &gram));
    TRY(mem_alloc(d, sizeof *w, &w));
    TRY(mem_alloc(d, 1, &kept));
    TRY(swaps_create(l->d, &x));
    TRY(obs_create(l->d, &o));
    for (size_t i = 0; i < d * d; i++)
        gram[i] = l->h->xx[i / d * n + i % d] / l->h->xx[d * n + d] +
                  (i % n == 0 ? l->r.report.ridge : 0.0);
    TRY(obs_run(o, &(obs_plan){.at = &k, .n = 1}, l->r.start, l->r.inverse, w, kept, NULL, NULL));
    double start = peak_now();
    TRY(swaps_refitted(x, kept, l->r.start, gram, l->r.inverse, (pattern){0}, 0, &none));
    double first = peak_now() - start;
    TRY(swaps_refitted(x, kept, l->r.start, gram, l->r.inverse, (pattern){0}, most, &r));
    double all = peak_now() - start - first;
    printf("exchanges %4d in, after exact OBS, 50 %%: %5.1f ms to begin with, %5.2f ms each; %d "
           "lower the row's loss by %.2f %%%s\n",
           l->d, 1e3 * first, r.made > 0 ? 1e3 * (all - first) / r.made : 0.0, r.made,
           100.0 * (1.0 - r.after / r.before), r.optimal ? ", none is left" : "");
done:
    free(gram);
    free(w);
    free(kept);
    swaps_destroy(&x);
    obs_destroy(&o);
    return e;
}

/* seconds of wall time for all rows by the ranks of q, the gathering of results included */
static err time_ranks(const par *world, const par *p, const layer *l, const rows_request *q,
                      const float *bias, double *seconds) {
    pruned_rows out;
    err e = OK;
    int mine = p->size == world->size || world->rank == 0;
    CALL(par_barrier(world));
    double start = clock_now();
    if (mine)
        e = rows_prune(p, &l->r, l->h, l->h, bias, q, &out);
    CALL(par_agree(world, e));
    *seconds = clock_now() - start;
    if (mine)
        rows_free(&out);
    return OK;
}

/* the same rows by one rank and by all, in turns: the median of the pairs */
static err bench_ranks(const par *p, const layer *l) {
    enum { TURNS = 5 };
    const par one = par_alone();
    const double sparsity = 0.5;
    double alone[TURNS], all[TURNS], times[TURNS];
    float *bias;
    rows_request q = {
        .method = ROWS_OBS, .sparsity = &sparsity, .n = 1, .linear_rows = &l->r.m, .linears = 1};
    CALL(mem_alloc((size_t)l->r.m, sizeof *bias, &bias));
    for (int t = 0; t < TURNS; t++) {
        CALL(time_ranks(p, &one, l, &q, bias, &alone[t]));
        CALL(time_ranks(p, p, l, &q, bias, &all[t]));
        times[t] = alone[t] / all[t];
    }
    free(bias);
    if (p->rank == 0)
        printf("exact OBS %4d in, %d rows: one rank %6.2f s, %d ranks %6.2f s: %.2f times as fast "
               "(median of %d turns)\n",
               l->d, l->r.m, share_median(alone, TURNS), p->size, share_median(all, TURNS),
               share_median(times, TURNS), (int)TURNS);
    return OK;
}

/* what one core does is timed on one */
static err bench_layer(const par *p, int d, int rows) {
    layer l;
    err e = OK;
    const int some = OUT / 8; /* enough for what every call does once not to count */
    TRY(make_layer(d, d < 1536 || p->size == 1 ? OUT : some, &l));
    if (p->size > 1)
        TRY(bench_ranks(p, &l));
    else {
        TRY(bench_obs(&l, rows));
        TRY(bench_sparsegpt(&l, OUT));
        TRY(bench_swaps(&l, 20));
    }
done:
    layer_free(&l);
    return e;
}

err prune_rows_bench(const par *p) {
    CALL(bench_layer(p, 768, MOST));
    return bench_layer(p, 3072, 7);
}
