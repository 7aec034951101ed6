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

void optimiser_step(optimiser *o, float *p, const float *grads, double rate, double scale) {
    int heads = 0;
    o->step++;
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        size_t from = a->offset, to = from + (size_t)a->rows * (size_t)a->cols;
        constants s = step_constants(o, a->decay, rate * layer_factor(o, a, &heads), scale);
        from = from > o->first ? from : o->first;
        to = to < o->first + o->n ? to : o->first + o->n;
        if (from >= to)
            continue;
        size_t at = from - o->first;
        float *m = o->m != NULL ? o->m + at : NULL, *v = o->v != NULL ? o->v + at : NULL;
        if (o->rule.kind == OPTIMISER_ADAMW)
            update_range(OPTIMISER_ADAMW, p + at, m, v, grads + at, to - from, &s);
        else if (o->rule.kind == OPTIMISER_ADAM)
            update_range(OPTIMISER_ADAM, p + at, m, v, grads + at, to - from, &s);
        else
            update_range(OPTIMISER_SGD, p + at, m, v, grads + at, to - from, &s);
    }
}
