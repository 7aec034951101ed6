#include "prune_sums.h"

#include "peak.h"
#include "share.h"

#include "base/arena.h"
#include "base/rng.h"
#include "linalg/dense.h"
#include "prune/hessian.h"

#include <stdio.h>
#include <stdlib.h>

/* 32 sentences of 64 tokens: a chunk at the defaults of prune.chunk and prune.calibration_length */
enum { T = 2048, LEAST = 5 };
static const double SECONDS = 3.0;

typedef struct sums {
    int d;
    hessian *h;
    double *x;      // (T, d + 1)
    double *y;      // (T, m), or (T, d + 1) of paired sums
    double *square; // (d + 1, d + 1)
} sums;

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

/* a symmetric product counts the operations of one triangle, as dsyrk does them. Sums may be faster
 * than that, and than float64's limit: they are not float64 where it does not pay (linalg/sums.h)
 */
static double symmetric(int w) {
    return (double)T * w * (w + 1.0);
}

static double limit_syrk(void *state) {
    sums *s = state;
    double start = peak_now();
    dense_gram(s->square, s->x, T, s->d + 1);
    return symmetric(s->d + 1) / (peak_now() - start);
}

static err subject(void *state, double *rate) {
    sums *s = state;
    double start = peak_now(), w = s->d + 1.0, operations = symmetric(s->d + 1);
    CALL(hessian_add(s->h, s->x, s->y, T));
    operations += 2.0 * T * (s->h->paired ? s->d : s->h->m) * w;
    *rate = operations / (peak_now() - start);
    return OK;
}

err prune_sums_bench(int d, int m) {
    sums s = {.d = d};
    int paired = hessian_pays_paired(d, m);
    size_t w = (size_t)d + 1;
    share r;
    err e;
    TRY(paired ? hessian_create_paired(d, m, NULL, &s.h) : hessian_create(d, m, NULL, &s.h));
    TRY(random_matrix(T * w, 1, &s.x));
    TRY(random_matrix(T * (paired ? w : (size_t)m), 2, &s.y));
    TRY(mem_alloc(w * w, sizeof *s.square, &s.square));
    TRY(share_measure(subject, &s, limit_syrk, &s, SECONDS, LEAST, &r));
    printf("hessian   in %4d out %4d, %s: %5.1f GFLOP/s, %3.0f %% of dsyrk's %5.1f (of the "
           "float64 FMA limit: %3.0f %%)\n",
           d, m, paired ? "paired " : "outputs", 1e-9 * r.rate, 100.0 * r.ratio, 1e-9 * r.limit,
           100.0 * r.rate / peak_fp64());
done:
    hessian_destroy(&s.h);
    free(s.x);
    free(s.y);
    free(s.square);
    return e;
}
