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
    TRY(mem_alloc((size_t)c->V, sizeof *o->taken, &o->taken));
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
    free((*o)->taken);
    free(*o);
    *o = NULL;
}

typedef optimiser_constants constants;

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

/* --- rows of the word embeddings that are late --- */

/* n steps without a gradient, from step `from` on: in registers what would be n passes */
LANES_INLINE void idle_steps(optimiser_kind kind, float *restrict p, float *restrict m,
                             float *restrict v, size_t n, const constants *recent, int64_t from,
                             int64_t to) {
    int adam = kind != OPTIMISER_SGD, moved = m != NULL;
    lanes none = {0};
    for (size_t i = 0; i < n; i += LANES) {
        int left = n - i < LANES ? (int)(n - i) : LANES;
        lanes x = lanes_load_part(p + i, left), a = moved ? lanes_load_part(m + i, left) : none;
        lanes b = adam ? lanes_load_part(v + i, left) : none;
        for (int64_t k = from; k < to; k++)
            update(kind, &x, &a, &b, none, &recent[k % OPTIMISER_LATE]);
        lanes_store_part(p + i, x, left);
        if (moved)
            lanes_store_part(m + i, a, left);
        if (adam)
            lanes_store_part(v + i, b, left);
    }
}

/* the same where moments are 0 and stay so */
static void decay_steps(float *restrict p, size_t n, const constants *recent, int64_t from,
                        int64_t to) {
    for (size_t i = 0; i < n; i += LANES) {
        int left = n - i < LANES ? (int)(n - i) : LANES;
        lanes x = lanes_load_part(p + i, left);
        for (int64_t k = from; k < to; k++)
            x *= recent[k % OPTIMISER_LATE].shrink;
        lanes_store_part(p + i, x, left);
    }
}

/* row i without a gradient until `to` steps are taken */
static void row_idle(optimiser *o, float *p, int64_t i, int64_t to) {
    size_t width = (size_t)o->arrays[0].cols, at = (size_t)i * width;
    int64_t from = o->taken[i] + 1;
    float *m = o->m != NULL ? o->m + at : NULL, *v = o->v != NULL ? o->v + at : NULL;
    const constants *c = o->recent;
    if (from > to)
        return;
    o->taken[i] = to;
    if (!o->awake[i] && sleeps(o, &c[to % OPTIMISER_LATE])) {
        if (o->rule.kind == OPTIMISER_ADAMW && c[to % OPTIMISER_LATE].couple != 0.0f)
            decay_steps(p + at, width, c, from, to + 1);
        return;
    }
    if (o->rule.kind == OPTIMISER_ADAMW)
        idle_steps(OPTIMISER_ADAMW, p + at, m, v, width, c, from, to + 1);
    else if (o->rule.kind == OPTIMISER_ADAM)
        idle_steps(OPTIMISER_ADAM, p + at, m, v, width, c, from, to + 1);
    else
        idle_steps(OPTIMISER_SGD, p + at, m, v, width, c, from, to + 1);
}

/* the next row from i on that has a gradient, fetched; V: there is none */
static int64_t next_row(const optimiser *o, const float *p, const float *g, const char *rows,
                        int64_t i) {
    enum { LINE = 16 };
    size_t width = (size_t)o->arrays[0].cols;
    while (i < o->arrays[0].rows && !rows[i])
        i++;
    if (i == o->arrays[0].rows)
        return i;
    for (size_t at = (size_t)i * width, end = at + width; at < end; at += LINE) {
        __builtin_prefetch(p + at, 1);
        __builtin_prefetch(g + at);
        if (o->m != NULL)
            __builtin_prefetch(o->m + at, 1);
        if (o->v != NULL)
            __builtin_prefetch(o->v + at, 1);
    }
    return i;
}

/* The step at hand: rows with a gradient, and a share of the others, so that none falls behind
 * further than its steps' constants are kept. */
static void update_rows(optimiser *o, float *p, const float *g, const char *rows,
                        const constants *s) {
    int64_t V = o->arrays[0].rows, turn = o->step % OPTIMISER_LATE;
    size_t width = (size_t)o->arrays[0].cols;
    o->recent[turn] = *s;
    for (int64_t i = next_row(o, p, g, rows, 0), next; i < V; i = next) {
        next = next_row(o, p, g, rows, i + 1);
        row_idle(o, p, i, o->step - 1);
        update_part(o, p, g, (size_t)i * width, width, s);
        o->taken[i] = o->step;
        o->awake[i] = 1;
    }
    for (int64_t i = V * turn / OPTIMISER_LATE; i < V * (turn + 1) / OPTIMISER_LATE; i++)
        row_idle(o, p, i, o->step);
    o->late = 1;
}

void optimiser_catch_up(optimiser *o, float *p, const int32_t *ids, int T) {
    for (int t = 0; o->late && t < T; t++)
        row_idle(o, p, ids[t], o->step);
}

void optimiser_settle(optimiser *o, float *p) {
    for (int64_t i = 0; o->late && i < o->arrays[0].rows; i++)
        row_idle(o, p, i, o->step);
    o->late = 0;
}

/* every row has taken every step */
static void all_taken(optimiser *o) {
    for (int64_t i = 0; i < o->arrays[0].rows; i++)
        o->taken[i] = o->step;
    o->late = 0;
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
    all_taken(o);
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
    if (rows == NULL)
        optimiser_settle(o, p);
    o->step++;
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        size_t from = a->offset, to = from + (size_t)a->rows * (size_t)a->cols;
        constants s = step_constants(o, a->decay, rate * layer_factor(o, a, &heads), scale);
        if (i == 0 && rows != NULL) {
            update_rows(o, p, grads, rows, &s);
            continue;
        }
        if (i == 0) {
            memset(o->awake, 1, (size_t)a->rows);
            all_taken(o);
        }
        from = from > o->first ? from : o->first;
        to = to < o->first + o->n ? to : o->first + o->n;
        if (from < to)
            update_part(o, p, grads, from - o->first, to - from, &s);
    }
}
