#include "train/optimiser.h"

#include "base/arena.h"
#include "tensor/lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

err optimiser_parse(const char *word, optimiser_kind *out) {
    static const char *const words[] = {"adamw", "adam", "sgd"};
    for (int k = 0; k <= (int)OPTIMISER_SGD; k++)
        if (strcmp(word, words[k]) == 0) {
            *out = (optimiser_kind)k;
            return OK;
        }
    RAISE(ERR_USAGE, "optimiser \"%s\": expected adamw, adam or sgd", word);
}

optimiser_rule optimiser_adamw(double weight_decay) {
    return (optimiser_rule){.kind = OPTIMISER_ADAMW,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8,
                            .weight_decay = weight_decay,
                            .layer_decay = 1.0};
}

err optimiser_create(const encoder_config *c, const optimiser_rule *r, size_t first, size_t n,
                     optimiser **out) {
    err e;
    optimiser *o = NULL;
    TRY(mem_alloc(1, sizeof *o, &o));
    o->rule = *r;
    o->first = first;
    o->n = n;
    o->L = c->L;
    if (r->kind != OPTIMISER_SGD || r->momentum > 0.0)
        TRY(mem_alloc(n, sizeof *o->m, &o->m));
    if (r->kind != OPTIMISER_SGD)
        TRY(mem_alloc(n, sizeof *o->v, &o->v));
    o->n_arrays = encoder_arrays(c, NULL, 0);
    TRY(mem_alloc((size_t)o->n_arrays, sizeof *o->arrays, &o->arrays));
    encoder_arrays(c, o->arrays, o->n_arrays);
    TRY(mem_alloc((size_t)c->V, sizeof *o->awake, &o->awake));
    *out = o;
    o = NULL;
done:
    optimiser_destroy(&o);
    return e;
}

void optimiser_destroy(optimiser **o) {
    if (!*o)
        return;
    free((*o)->m);
    free((*o)->v);
    free((*o)->arrays);
    free((*o)->awake);
    free(*o);
    *o = NULL;
}

/* what a step does to one array: the bias corrections are in rate and inverse_root2; rest is 1 -
 * beta, taken in float64, where 1 - 0.999 keeps its digits */
typedef struct constants {
    float beta1, rest1, beta2, rest2, scale, shrink, couple, rate, inverse_root2, epsilon;
} constants;

/* p and the moments after one step; `kind` is a constant where this is inlined */
LANES_INLINE void update(optimiser_kind kind, lanes *p, lanes *m, lanes *v, lanes g,
                         const constants *s) {
    lanes x = g * s->scale;
    if (kind != OPTIMISER_ADAMW)
        x += *p * s->couple;
    *m = s->beta1 * *m + s->rest1 * x;
    if (kind == OPTIMISER_SGD) {
        *p -= s->rate * *m;
        return;
    }
    *v = s->beta2 * *v + s->rest2 * (x * x);
    if (kind == OPTIMISER_ADAMW)
        *p *= s->shrink;
    *p -= s->rate * *m / (lanes_sqrt(*v) * s->inverse_root2 + s->epsilon);
}

LANES_INLINE void update_range(optimiser_kind kind, float *restrict p, float *restrict m,
                               float *restrict v, const float *restrict g, size_t n,
                               const constants *s) {
    size_t i = 0;
    int adam = kind != OPTIMISER_SGD, moved = m != NULL;
    lanes none = {0};
    for (; i + LANES <= n; i += LANES) {
        lanes x = lanes_load(p + i), a = moved ? lanes_load(m + i) : none;
        lanes b = adam ? lanes_load(v + i) : none;
        update(kind, &x, &a, &b, lanes_load(g + i), s);
        lanes_store(p + i, x);
        if (moved)
            lanes_store(m + i, a);
        if (adam)
            lanes_store(v + i, b);
    }
    int left = (int)(n - i);
    lanes x = lanes_load_part(p + i, left), a = moved ? lanes_load_part(m + i, left) : none;
    lanes b = adam ? lanes_load_part(v + i, left) : none;
    update(kind, &x, &a, &b, lanes_load_part(g + i, left), s);
    lanes_store_part(p + i, x, left);
    if (moved)
        lanes_store_part(m + i, a, left);
    if (adam)
        lanes_store_part(v + i, b, left);
}

/* the arrays stand in the order embeddings, layers, heads; *heads: a layer was seen before a */
static double layer_factor(const optimiser *o, const encoder_array *a, int *heads) {
    if (a->layer >= 0) {
        *heads = 1;
        return pow(o->rule.layer_decay, (double)(o->L - a->layer));
    }
    return *heads ? 1.0 : pow(o->rule.layer_decay, (double)(o->L + 1));
}

static constants step_constants(const optimiser *o, int decay, double rate, double scale) {
    const optimiser_rule *r = &o->rule;
    double by = decay ? r->weight_decay : 0.0;
    if (r->kind == OPTIMISER_SGD)
        return (constants){.beta1 = (float)r->momentum,
                           .rest1 = 1.0f,
                           .scale = (float)scale,
                           .couple = (float)by,
                           .rate = (float)rate};
    double correction1 = 1.0 - pow(r->beta1, (double)o->step);
    double correction2 = 1.0 - pow(r->beta2, (double)o->step);
    return (constants){.beta1 = (float)r->beta1,
                       .rest1 = (float)(1.0 - r->beta1),
                       .beta2 = (float)r->beta2,
                       .rest2 = (float)(1.0 - r->beta2),
                       .scale = (float)scale,
                       .shrink = (float)(1.0 - rate * by),
                       .couple = (float)by,
                       .rate = (float)(rate / correction1),
                       .inverse_root2 = (float)(1.0 / sqrt(correction2)),
                       .epsilon = (float)r->epsilon};
}

static void update_kind(optimiser_kind kind, float *p, float *m, float *v, const float *g, size_t n,
                        const constants *s) {
    if (kind == OPTIMISER_ADAMW)
        update_range(OPTIMISER_ADAMW, p, m, v, g, n, s);
    else if (kind == OPTIMISER_ADAM)
        update_range(OPTIMISER_ADAM, p, m, v, g, n, s);
    else
        update_range(OPTIMISER_SGD, p, m, v, g, n, s);
}

static void update_part(optimiser *o, float *p, const float *g, size_t at, size_t n,
                        const constants *s) {
    update_kind(o->rule.kind, p + at, o->m != NULL ? o->m + at : NULL,
                o->v != NULL ? o->v + at : NULL, g + at, n, s);
}

/* what is left of update where gradient and moments are 0, bit for bit */
static int sleeps(const optimiser *o, const constants *s) {
    return o->rule.kind == OPTIMISER_ADAMW
               ? s->epsilon > 0.0f
               : s->couple == 0.0f && (o->rule.kind == OPTIMISER_SGD || s->epsilon > 0.0f);
}

static void decay(float *restrict p, size_t n, float shrink) {
    for (size_t i = 0; i < n; i++)
        p[i] *= shrink;
}

/* the word embeddings, runs of rows that are awake and runs of those that are not */
static void update_rows(optimiser *o, const encoder_array *a, float *p, const float *g,
                        const char *rows, const constants *s) {
    int64_t V = a->rows;
    size_t width = (size_t)a->cols;
    for (int64_t i = 0; i < V; i++)
        o->awake[i] |= rows[i];
    for (int64_t i = 0, end; i < V; i = end) {
        size_t at = (size_t)i * width;
        for (end = i + 1; end < V && !o->awake[end] == !o->awake[i];)
            end++;
        size_t n = (size_t)(end - i) * width;
        if (o->awake[i])
            update_part(o, p, g, at, n, s);
        else if (o->rule.kind == OPTIMISER_ADAMW && s->shrink != 1.0f)
            decay(p + at, n, s->shrink);
    }
}

static int any(const float *x, size_t n) {
    for (size_t i = 0; x != NULL && i < n; i++)
        if (x[i] != 0.0f)
            return 1;
    return 0;
}

void optimiser_wake(optimiser *o) {
    const encoder_array *a = &o->arrays[0]; /* the word embeddings */
    size_t width = (size_t)a->cols;
    for (int64_t i = 0; i < a->rows; i++) {
        size_t at = (size_t)i * width;
        int outside = at < o->first || at + width > o->first + o->n;
        at -= outside ? at : o->first;
        o->awake[i] = outside || any(o->m != NULL ? o->m + at : NULL, width) ||
                      any(o->v != NULL ? o->v + at : NULL, width);
    }
}

void optimiser_step(optimiser *o, float *p, const float *grads, const char *rows, double rate,
                    double scale) {
    int heads = 0;
    o->step++;
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        size_t from = a->offset, to = from + (size_t)a->rows * (size_t)a->cols;
        constants s = step_constants(o, a->decay, rate * layer_factor(o, a, &heads), scale);
        if (i == 0 && rows != NULL && sleeps(o, &s)) {
            update_rows(o, a, p, grads, rows, &s);
            continue;
        }
        if (i == 0)
            memset(o->awake, 1, (size_t)a->rows);
        from = from > o->first ? from : o->first;
        to = to < o->first + o->n ? to : o->first + o->n;
        if (from < to)
            update_part(o, p, grads, from - o->first, to - from, &s);
    }
}
