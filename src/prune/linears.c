#include "prune/linears.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/fixed.h"
#include "par/fixsum.h"

#include <stdlib.h>
#include <string.h>

linears linears_of_block(const encoder *dense, const encoder *pruned, int layer, block_stage at) {
    linears s = {.place = PLACE_BLOCK, .at = at, .models = {dense, pruned}};
    for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
        linear_view v = encoder_linear(dense, layer, k);
        if (v.stage != at)
            continue;
        s.dense[s.n] = v;
        s.pruned[s.n++] = encoder_linear(pruned, layer, k);
        s.in = v.in;
        s.out += v.out;
    }
    return s;
}

static linear_view pooler_view(const encoder *m) {
    return (linear_view){m->p.pool_w, m->p.pool_b, m->c.H, m->c.H, STAGE_DONE, "pooler"};
}

static linear_view classifier_view(const encoder *m) {
    return (linear_view){m->p.class_w, m->p.class_b, m->c.K, m->c.H, STAGE_DONE, "classifier"};
}

linears linears_of_pooler(const encoder *dense, const encoder *pruned) {
    return (linears){.place = PLACE_POOLER,
                     .n = 1,
                     .dense = {pooler_view(dense)},
                     .pruned = {pooler_view(pruned)},
                     .in = dense->c.H,
                     .out = dense->c.H,
                     .models = {dense, pruned}};
}

linears linears_of_classifier(const encoder *dense, const encoder *pruned) {
    return (linears){.place = PLACE_CLASSIFIER,
                     .n = 1,
                     .dense = {classifier_view(dense)},
                     .pruned = {classifier_view(pruned)},
                     .in = dense->c.H,
                     .out = dense->c.K,
                     .models = {dense, pruned}};
}

static void widen(double *to, const float *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

void linears_dense_weight(const linears *s, double *w) {
    for (int q = 0; q < s->n; q++) {
        size_t n = (size_t)s->dense[q].out * (size_t)s->in;
        widen(w, s->dense[q].w, n);
        w += n;
    }
}

void linears_dense_bias(const linears *s, float *b) {
    for (int q = 0; q < s->n; b += s->dense[q++].out)
        memcpy(b, s->dense[q].b, (size_t)s->dense[q].out * sizeof *b);
}

/* float64 copies of one chunk: x[0] in the dense model, x[1] with the pruned prefix */
typedef struct tokens {
    int T, cap;
    int paired;     /* 1: y is not needed */
    double *x[2];   // (T, in + 1), the last column 1
    double *y;      // (T, out) dense outputs without bias
    double *spare;  // (T, max(in, out))
    double *w;      // (out, in) dense weights
    double *pool_w; // (H, H) of the classifier's input, one model at a time
} tokens;

static void tokens_free(tokens *t) {
    free(t->x[0]);
    free(t->x[1]);
    free(t->y);
    free(t->spare);
    free(t->w);
    free(t->pool_w);
    *t = (tokens){0};
}

static err tokens_create(const linears *s, tokens *t) {
    *t = (tokens){0};
    CALL(mem_alloc((size_t)s->out * (size_t)s->in, sizeof(double), &t->w));
    linears_dense_weight(s, t->w);
    if (s->place == PLACE_CLASSIFIER)
        CALL(mem_alloc((size_t)s->in * (size_t)s->in, sizeof(double), &t->pool_w));
    return OK;
}

static err tokens_reserve(tokens *t, const linears *s, int T) {
    t->T = T;
    if (T <= t->cap)
        return OK;
    for (int m = 0; m < 2; m++) {
        free(t->x[m]);
        t->x[m] = NULL;
        CALL(mem_alloc((size_t)T * ((size_t)s->in + 1), sizeof(double), &t->x[m]));
    }
    free(t->y);
    free(t->spare);
    t->y = t->spare = NULL;
    if (!t->paired)
        CALL(mem_alloc((size_t)T * (size_t)s->out, sizeof(double), &t->y));
    if (!t->paired || s->place == PLACE_CLASSIFIER)
        CALL(mem_alloc((size_t)T * (size_t)(s->out > s->in ? s->out : s->in), sizeof(double),
                       &t->spare));
    t->cap = T;
    return OK;
}

/* to (T, d + 1) from from (T, d): a last column of ones */
static void augment(double *to, const float *from, int T, int d) {
    for (size_t t = 0; t < (size_t)T; t++) {
        widen(to + t * ((size_t)d + 1), from + t * (size_t)d, (size_t)d);
        to[t * ((size_t)d + 1) + (size_t)d] = 1.0;
    }
}

/* x (B, H + 1): from the pooler's input to the classifier's, tanh(x W^T + b) (or ReLU) */
static void pool(tokens *t, double *x, const encoder *m) {
    size_t H = (size_t)m->c.H;
    widen(t->pool_w, m->p.pool_w, H * H);
    dense_linear(t->spare, x, m->c.H + 1, t->pool_w, t->T, m->c.H, m->c.H);
    for (size_t b = 0; b < (size_t)t->T; b++)
        for (size_t i = 0; i < H; i++)
            x[b * (H + 1) + i] = encoder_family_pool(encoder_family_in(&m->c),
                                                     t->spare[b * H + i] + (double)m->p.pool_b[i]);
}

/* inputs of both models and outputs of the dense one for this rank's i-th chunk */
static err tokens_load(tokens *t, const linears *s, calibration *c, int i) {
    const float *x[2];
    int T;
    if (s->place == PLACE_BLOCK)
        CALL(calibration_inputs(c, i, s->at, &x[0], &x[1], &T));
    else
        CALL(calibration_pooled_inputs(c, i, &x[0], &x[1], &T));
    CALL(tokens_reserve(t, s, T));
    for (int m = 0; m < 2; m++) {
        augment(t->x[m], x[m], T, s->in);
        if (s->place == PLACE_CLASSIFIER)
            pool(t, t->x[m], s->models[m]);
    }
    return t->paired ? OK : fixed_linear(t->y, t->x[0], s->in + 1, t->w, T, s->out, s->in);
}

/* one chunk's products; paired sums take the dense model's inputs instead of its outputs */
static err add_chunk(const tokens *t, hessian *own, hessian *dense) {
    CALL(hessian_add(own, t->x[1], own->dd ? t->x[0] : t->y, t->T));
    return dense ? hessian_add(dense, t->x[0], NULL, t->T) : OK;
}

/* empty sums; dense is only needed where paired ones will not bring it along */
static err sums_create(const linears *s, int want_dense, hessian **own, hessian **dense) {
    if (hessian_pays_paired(s->in, s->out))
        return hessian_create_paired(s->in, s->out, own);
    CALL(hessian_create(s->in, s->out, own));
    return want_dense ? hessian_create(s->in, 0, dense) : OK;
}

err linears_sums(const linears *s, const par *p, calibration *c, hessian **own, hessian **dense) {
    tokens t;
    hessian *pure = NULL;
    *own = NULL;
    err e = tokens_create(s, &t);
    if (e == OK)
        e = sums_create(s, dense != NULL, own, &pure);
    t.paired = e == OK && (*own)->dd != NULL;
    for (int i = 0; i < calibration_chunks(c) && e == OK; i++) {
        e = tokens_load(&t, s, c, i);
        if (e == OK)
            e = add_chunk(&t, *own, pure);
    }
    TRY(par_agree(p, e));
    TRY(hessian_reduce(*own, p, t.w));
    if (pure)
        TRY(hessian_reduce(pure, p, NULL));
    else if (dense)
        TRY(par_agree(p, hessian_take_dense(*own, &pure)));
done:
    tokens_free(&t);
    if (e != OK) {
        hessian_destroy(own);
        hessian_destroy(&pure);
    }
    if (dense)
        *dense = pure;
    return e;
}

/* acc (2, 2 n) += one chunk's squared errors and squares of the dense outputs, of every linear;
 * w (out, in): the pruned weights */
static err add_errors(const linears *s, tokens *t, const double *w, int64_t *acc) {
    double sums[2 * LINEARS_MAX] = {0};
    const double *y = t->y, *yhat = t->spare;
    dense_linear(t->spare, t->x[1], s->in + 1, w, t->T, s->out, s->in);
    for (int k = 0; k < t->T; k++)
        for (int q = 0; q < s->n; q++)
            for (int r = 0; r < s->dense[q].out; r++, y++, yhat++) {
                double shift = (double)s->pruned[q].b[r] - (double)s->dense[q].b[r];
                double miss = *y - *yhat - shift;
                sums[q] += miss * miss;
                sums[s->n + q] += *y * *y;
            }
    return fixsum_add(acc, sums, 2 * (size_t)s->n);
}

err linears_error(const linears *s, const par *p, calibration *c, double *error) {
    tokens t;
    linears pruned = *s;
    for (int q = 0; q < s->n; q++)
        pruned.dense[q] = s->pruned[q];
    int64_t acc[4 * LINEARS_MAX] = {0};
    double sums[2 * LINEARS_MAX], *w = NULL;
    err e = tokens_create(s, &t);
    if (e == OK)
        e = mem_alloc((size_t)s->out * (size_t)s->in, sizeof *w, &w);
    if (e == OK)
        linears_dense_weight(&pruned, w);
    for (int i = 0; i < calibration_chunks(c) && e == OK; i++) {
        e = tokens_load(&t, s, c, i);
        if (e == OK)
            e = add_errors(s, &t, w, acc);
    }
    tokens_free(&t);
    free(w);
    CALL(par_agree(p, e));
    CALL(fixsum_reduce(p, acc, 2 * (size_t)s->n));
    fixsum_value(sums, acc, 2 * (size_t)s->n);
    for (int q = 0; q < s->n; q++)
        error[q] = sums[q] / sums[s->n + q];
    return OK;
}
