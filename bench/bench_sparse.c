/* Products with pruned weights, one multiply-add a kept weight, beside the dense product of the
 * same layer (gemm.h), in turns: x (2048, in) W^T, 32 sequences of 64 tokens. N:M masks go the same
 * way as any other: on a CPU there is no instruction for them. Then classification by whole
 * encoders, as jobs do it (encoder_thin), beside the same without. */
#include "peak.h"
#include "share.h"

#include "base/arena.h"
#include "base/rng.h"
#include "model/encoder.h"
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
    sparse_linear(l->y, l->out, l->x, l->s, NULL, T, l->scratch);
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

/* ---- whole encoders ---- */

typedef struct pair {
    encoder *thin, *dense;
    encoder_ws *ws;
    batch b;
} pair;

static err classify(pair *p, const encoder *m, double *rate) {
    const float *logits;
    double start = peak_now();
    CALL(encoder_classify(p->ws, m, &p->b, NULL, &logits));
    *rate = 1.0 / (peak_now() - start);
    return OK;
}

static err thin_rate(void *state, double *rate) {
    pair *p = state;
    return classify(p, p->thin, rate);
}

static double plain_rate(void *state) {
    pair *p = state;
    double rate = 0.0;
    return classify(p, p->dense, &rate) == OK ? rate : 0.0;
}

static void prune(encoder *m, double sparsity) {
    for (int l = 0; l < m->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            for (size_t i = 0; i < (size_t)v.out * (size_t)v.in; i++)
                if ((double)random_at(6, i) + 0.5 < sparsity)
                    v.w[i] = 0.0f;
        }
}

/* 32 sequences of 64 tokens */
static err pair_create(encoder_config c, double sparsity, int32_t *ids, int32_t *offsets, pair *p) {
    enum { TOKENS = 64 };
    for (int i = 0; i < T; i++)
        ids[i] = i % c.V;
    for (int i = 0; i <= T / TOKENS; i++)
        offsets[i] = i * TOKENS;
    *p = (pair){.b = {.B = T / TOKENS, .T = T, .ids = ids, .offsets = offsets}};
    CALL(encoder_create(&c, &p->dense));
    encoder_init(p->dense, 1);
    prune(p->dense, sparsity);
    CALL(encoder_copy(p->dense, &p->thin));
    CALL(encoder_thin(p->thin));
    return encoder_ws_create(&c, &p->ws);
}

static err bench_encoder(int layers, int wide, double sparsity) {
    encoder_config c = {.V = 1000,
                        .H = wide,
                        .L = layers,
                        .A = wide / 64,
                        .F = 4 * wide,
                        .P = 64,
                        .Y = 2,
                        .K = 2,
                        .norm_eps = 1e-12f};
    static int32_t ids[T], offsets[T + 1];
    pair p;
    share r;
    err e = pair_create(c, sparsity, ids, offsets, &p);
    if (e == OK)
        e = share_measure(thin_rate, &p, plain_rate, &p, SECONDS, LEAST, &r);
    if (e == OK)
        printf("encoder   %2d x %3d, %4.1f %% zero: classifies %5.2f times as fast as with the "
               "zeros (%.0f sentences of 64 tokens a second)\n",
               layers, wide, 100.0 * sparsity, r.ratio, p.b.B * r.rate);
    encoder_ws_destroy(&p.ws);
    encoder_destroy(&p.thin);
    encoder_destroy(&p.dense);
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
    for (size_t k = 0; k < sizeof SPARSITY / sizeof *SPARSITY && e == OK; k++) {
        e = bench_encoder(4, 256, SPARSITY[k]);
        if (e == OK)
            e = bench_encoder(1, 768, SPARSITY[k]);
    }
    if (e != OK)
        fprintf(stderr, "bench_sparse: %s\n", err_message());
    return (int)e;
}
