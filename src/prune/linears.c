#include "prune/linears.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/sums.h"
#include "par/fixsum.h"

#include <stdlib.h>
#include <string.h>

linears linears_of_block(const encoder *dense, const encoder *pruned, int track, int layer,
                         block_stage at) {
    linears s = {.place = PLACE_BLOCK, .at = at, .models = {dense, pruned}, .track = track};
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

linears linears_of_pooler(const encoder *dense, const encoder *pruned, int track) {
    return (linears){.place = PLACE_POOLER,
                     .n = 1,
                     .dense = {pooler_view(dense)},
                     .pruned = {pooler_view(pruned)},
                     .in = dense->c.H,
                     .out = dense->c.H,
                     .models = {dense, pruned},
                     .track = track};
}

linears linears_of_classifier(const encoder *dense, const encoder *pruned, int track) {
    return (linears){.place = PLACE_CLASSIFIER,
                     .n = 1,
                     .dense = {classifier_view(dense)},
                     .pruned = {classifier_view(pruned)},
                     .in = dense->c.H,
                     .out = dense->c.K,
                     .models = {dense, pruned},
                     .track = track};
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

/* float64 copies of one chunk: x in the dense model, own with a pruned prefix */
typedef struct tokens {
    int T, cap;
    int paired;      /* 1: y is not needed */
    double *x, *own; // (T, in + 1), the last column 1
    double *y;       // (T, out) dense outputs without bias
    double *spare;   // (T, max(in, out))
    double *w;       // (out, in) dense weights
    double *pool_w;  // (H, H) of the classifier's input, one model at a time
    chained_room *packed;
} tokens;

static void tokens_free(tokens *t) {
    free(t->x);
    free(t->own);
    free(t->y);
    free(t->spare);
    free(t->w);
    free(t->pool_w);
    chained_room_destroy(&t->packed);
    *t = (tokens){0};
}

static err tokens_create(const linears *s, tokens *t) {
    *t = (tokens){0};
    CALL(mem_alloc((size_t)s->out * (size_t)s->in, sizeof(double), &t->w));
    linears_dense_weight(s, t->w);
    CALL(chained_room_create(&t->packed));
    if (s->place == PLACE_CLASSIFIER)
        CALL(mem_alloc((size_t)s->in * (size_t)s->in, sizeof(double), &t->pool_w));
    return OK;
}

/* room for T tokens; a pruned prefix's beside the dense model's when it is met */
static err tokens_reserve(tokens *t, const linears *s, int T) {
    size_t n = (size_t)T, in = (size_t)s->in, out = (size_t)s->out;
    t->T = T;
    if (T <= t->cap)
        return OK;
    free(t->x);
    free(t->own);
    free(t->y);
    free(t->spare);
    t->x = t->own = t->y = t->spare = NULL;
    CALL(mem_alloc(n * (in + 1), sizeof(double), &t->x));
    CALL(mem_alloc(n * (in + 1), sizeof(double), &t->own));
    if (!t->paired)
        CALL(mem_alloc(n * out, sizeof(double), &t->y));
    if (!t->paired || s->place == PLACE_CLASSIFIER)
        CALL(mem_alloc(n * (out > in ? out : in), sizeof(double), &t->spare));
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

/* inputs of the model on a track for this rank's i-th chunk, the dense one's first: to t->x, or
 * t->own of another */
static err load_inputs(tokens *t, const linears *s, calibration *c, int i, int pruned) {
    const float *x;
    int T, track = pruned ? s->track : 0;
    if (s->place == PLACE_BLOCK)
        CALL(calibration_input(c, i, track, &x, &T));
    else
        CALL(calibration_pooled_input(c, i, track, &x, &T));
    CALL(tokens_reserve(t, s, T));
    double *to = pruned ? t->own : t->x;
    augment(to, x, T, s->in);
    if (s->place == PLACE_CLASSIFIER)
        pool(t, to, s->models[pruned]);
    return OK;
}

/* inputs and outputs of the dense model for this rank's i-th chunk */
static err load_dense(tokens *t, const linears *s, calibration *c, int i) {
    CALL(load_inputs(t, s, c, i, 0));
    if (t->paired)
        return OK;
    return sums_linear(t->packed, t->y, t->x, s->in + 1, t->w, t->T, s->out, s->in);
}

/* one chunk's products, of every prefix; paired sums take the dense model's inputs instead of its
 * outputs */
static err add_chunk(tokens *t, const linears *s, int n, calibration *c, int i, hessian **own,
                     hessian *dense) {
    CALL(load_dense(t, s, c, i));
    if (dense)
        CALL(hessian_add(dense, t->x, NULL, t->T));
    for (int k = 0; k < n; k++) {
        int other = s[k].track > 0; /* else the dense model's inputs are meant */
        if (other)
            CALL(load_inputs(t, &s[k], c, i, 1));
        CALL(hessian_add(own[k], other ? t->own : t->x, t->paired ? t->x : t->y, t->T));
    }
    return OK;
}

/* empty sums */
static err sums_create(const linears *s, int n, int paired, hessian **own, hessian **dense) {
    if (dense)
        CALL(hessian_create(s->in, 0, NULL, dense));
    for (int k = 0; k < n; k++)
        CALL(paired ? hessian_create_paired(s->in, s->out, own[0], &own[k])
                    : hessian_create(s->in, s->out, own[0], &own[k]));
    return OK;
}

/* the sums over all ranks */
static err sums_reduce(const par *p, const double *w, int n, hessian **own, hessian *dense) {
    if (dense)
        CALL(hessian_reduce(dense, p));
    if (own[0]->paired)
        CALL(par_agree(p, hessian_squares(dense, w, own[0]->m)));
    for (int k = 0; k < n; k++) {
        CALL(hessian_reduce(own[k], p));
        if (own[k]->paired)
            CALL(par_agree(p, hessian_pair(own[k], w, dense)));
    }
    return OK;
}

err linears_sums(const linears *s, int n, const par *p, calibration *c, hessian **own,
                 hessian **dense) {
    tokens t;
    hessian *pure = NULL;
    int paired = hessian_pays_paired(s->in, s->out);
    CHECK(s->place != PLACE_BLOCK || s->at == calibration_stage(c), ERR_FAILED,
          "sums at stage %d of a block, the calibration is at %d", (int)s->at,
          (int)calibration_stage(c));
    memset(own, 0, (size_t)n * sizeof *own);
    err e = tokens_create(s, &t);
    t.paired = paired;
    if (e == OK)
        e = sums_create(s, n, paired, own, paired || dense ? &pure : NULL);
    for (int i = 0; i < calibration_chunks(c) && e == OK; i++)
        e = add_chunk(&t, s, n, c, i, own, pure);
    TRY(par_agree(p, e));
    TRY(sums_reduce(p, t.w, n, own, pure));
    if (dense) {
        *dense = pure;
        pure = NULL;
    }
done:
    tokens_free(&t);
    hessian_destroy(&pure);
    for (int k = 0; k < n && e != OK; k++)
        hessian_destroy(&own[k]);
    return e;
}

/* acc (2, 2 n) += one chunk's squared errors and squares of the dense outputs, of every linear;
 * w (out, in): the pruned weights */
static err add_errors(const linears *s, tokens *t, const double *w, int64_t *acc) {
    double sums[2 * LINEARS_MAX] = {0};
    const double *y = t->y, *yhat = t->spare;
    dense_linear(t->spare, t->own, s->in + 1, w, t->T, s->out, s->in);
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
        e = load_dense(&t, s, c, i);
        if (e == OK)
            e = load_inputs(&t, s, c, i, 1); /* of track 0 too */
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
