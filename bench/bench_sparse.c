/* Products with pruned weights, one multiply-add a kept weight, beside the dense product of the
 * same layer (gemm.h), in turns: x (2048, in) W^T, 32 sequences of 64 tokens. N:M masks go the same
 * way as any other: on a CPU there is no instruction for them. */
#include "peak.h"
#include "share.h"

#include "base/arena.h"
#include "base/rng.h"
#include "tensor/blas.h"
#include "tensor/linear.h"
#include "tensor/sparse.h"

#include <stdio.h>
#include <stdlib.h>

enum { T = 2048, LEAST = 9 };
static const double SECONDS = 1.0;

typedef struct layer {
    int out, in;
    float *w, *x, *y, *scratch;
    sparse_weight *s;
} layer;

static float random_at(uint32_t which, size_t i) {
    uint32_t r[4];
    rng_block(1, RNG_TEST, which, (uint32_t)(i >> 32), (uint32_t)i, r);
    return rng_float(r[0]) - 0.5f;
}

/* keep n of every m weights of a row: those that a hash of their place puts first */
static void mask_groups(layer *l, int n, int m) {
    for (size_t at = 0; at < (size_t)l->out * (size_t)l->in; at += (size_t)m)
        for (int i = 0; i < m; i++) {
            int before = 0;
            for (int k = 0; k < m; k++) {
                float a = random_at(5, at + (size_t)k), b = random_at(5, at + (size_t)i);
                before += a < b || (a == b && k < i);
            }
            if (before >= n)
                l->w[at + (size_t)i] = 0.0f;
        }
}

static err layer_create(layer *l, int out, int in, double sparsity, int n, int m) {
    size_t count = (size_t)out * (size_t)in;
    *l = (layer){.out = out, .in = in};
    CALL(mem_alloc(count, sizeof *l->w, &l->w));
    CALL(mem_alloc((size_t)T * (size_t)in, sizeof *l->x, &l->x));
    CALL(mem_alloc((size_t)T * (size_t)out, sizeof *l->y, &l->y));
    for (size_t i = 0; i < count; i++)
        l->w[i] = (double)random_at(1, i) + 0.5 < sparsity ? 0.0f : random_at(2, i) + 1.0f;
    for (size_t i = 0; i < (size_t)T * (size_t)in; i++)
        l->x[i] = random_at(3, i);
    if (m > 0)
        mask_groups(l, n, m);
    CALL(sparse_create(l->w, out, in, &l->s));
    return mem_alloc(sparse_scratch(l->s), sizeof *l->scratch, &l->scratch);
}

static void layer_free(layer *l) {
    free(l->w);
    free(l->x);
    free(l->y);
    free(l->scratch);
    sparse_destroy(&l->s);
}

/* layers a second */
static err sparse_rate(void *state, double *rate) {
    layer *l = state;
    double start = peak_now();
    sparse_linear(l->y, l->x, l->s, NULL, T, l->scratch);
    *rate = 1.0 / (peak_now() - start);
    return OK;
}

static double dense_rate(void *state) {
    layer *l = state;
    double start = peak_now();
    linear_forward(l->y, l->x, l->w, NULL, T, l->out, l->in, FLOAT32);
    return 1.0 / (peak_now() - start);
}

static err bench(int out, int in, double sparsity, int n, int m) {
    layer l;
    share r;
    err e = layer_create(&l, out, in, sparsity, n, m);
    if (e == OK)
        e = share_measure(sparse_rate, &l, dense_rate, &l, SECONDS, LEAST, &r);
    if (e == OK) {
        char what[32];
        double kept = 1.0 - (double)l.s->kept / ((double)out * in);
        snprintf(what, sizeof what, m > 0 ? "%d:%d" : "any mask", n, m);
        printf("sparse    in %4d out %4d, %-8s %4.1f %% zero: %5.2f times the dense product's "
               "speed (%.0f GFLOP/s)%s\n",
               in, out, what, 100.0 * kept, r.ratio, 2e-9 * T * out * in * r.limit,
               r.ratio > 1.0 ? "" : ": no speed-up");
    }
    layer_free(&l);
    return e;
}

int main(int argc, char **argv) {
    static const int SHAPES[][2] = {{768, 768}, {3072, 768}, {768, 3072}};
    static const double SPARSITY[] = {0.5, 0.75, 0.875, 0.95};
    err e = OK;
    (void)argc;
    blas_start(argv);
    blas_single_thread();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES && e == OK; i++)
        for (size_t k = 0; k < sizeof SPARSITY / sizeof *SPARSITY && e == OK; k++)
            e = bench(SHAPES[i][0], SHAPES[i][1], SPARSITY[k], 0, 0);
    if (e == OK)
        e = bench(768, 768, 0.0, 2, 4);
    if (e == OK)
        e = bench(768, 768, 0.0, 8, 64);
    if (e != OK)
        fprintf(stderr, "bench_sparse: %s\n", err_message());
    return (int)e;
}
