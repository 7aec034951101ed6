/* pruned.h: a tiny encoder pruned whole, for the tests of prune over ranks */
#ifndef ESPALIER_TESTS_MPI_PRUNED_H
#define ESPALIER_TESTS_MPI_PRUNED_H

#include "prune/prune.h"
#include "toy.h"

#include <math.h>

/* 30 sentences in chunks of 7: five chunks, the last of 2, so that some of 6 ranks have none */
enum { SENTENCES = 30, CHUNK = 7, ROWS = 6 * 2 + 2 };

static inline prune_options options(const char *inputs, const char *target) {
    prune_options o = {.chunk = CHUNK, .damping = 1e-4, .refit_bias = 1, .refit_head = 1};
    strcpy(o.hessian, inputs);
    strcpy(o.target, target);
    strcpy(o.factorisation, "auto");
    strcpy(o.grid, "auto");
    strcpy(o.allocation, "uniform");
    return o;
}

/* an encoder whose layers do something: initial weights are too small for attention to matter */
static inline encoder *dense_encoder(void) {
    encoder *m = toy_encoder(2, 0, 3);
    for (int l = 0; l < m->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            for (int i = 0; i < v.out * v.in; i++)
                v.w[i] *= 15.0f;
            for (int i = 0; i < v.out; i++)
                v.b[i] = 0.1f * (float)(i % 5 - 2);
        }
    return m;
}

typedef struct outcome {
    encoder *m;
    prune_layer rows[ROWS];
    int n;
} outcome;

static inline err prune(const par *p, const encoder *dense, const char *method, double sparsity,
                        const prune_options *o, const char *checkpoint, outcome *out) {
    examples x = toy_examples(SENTENCES, 5);
    prune_job j = {.p = p,
                   .dense = dense,
                   .calibration = &x,
                   .method = method,
                   .sparsity = sparsity,
                   .seed = 7,
                   .o = o,
                   .checkpoint = checkpoint,
                   .title = "test"};
    *out = (outcome){0};
    err e = prune_model(&j, out->rows, &out->n, &out->m);
    examples_free(&x);
    return e;
}

static inline int same_number(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static inline int same_outcome(const outcome *a, const outcome *b) {
    int same = a->n == b->n && toy_same(a->m, b->m);
    for (int i = 0; i < a->n && same; i++) {
        const prune_layer *p = &a->rows[i], *q = &b->rows[i];
        same = p->layer == q->layer && strcmp(p->linear, q->linear) == 0 && p->out == q->out &&
               p->in == q->in && p->removed == q->removed && p->damping == q->damping &&
               p->retries == q->retries && same_number(p->condition, q->condition) &&
               same_number(p->residual, q->residual) && p->error == q->error &&
               strcmp(p->factorisation, q->factorisation) == 0;
    }
    return same;
}

#endif
