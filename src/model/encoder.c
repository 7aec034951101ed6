#include "model/encoder.h"

#include "base/arena.h"
#include "base/rng.h"
#include "model/thin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row of the parameter table with its place in the block. */
typedef struct table_row {
    int layered, present, rows, cols, decay, prunable;
    const char *name;
    size_t floats, offset; /* offset: of layer 0 where it is per layer */
} table_row;

enum {
#define X(field, ...) ROW_##field,
    ENCODER_PARAMS(X)
#undef X
        ROW_COUNT
};

typedef struct table {
    const encoder_family *family;
    table_row row[ROW_COUNT];
    size_t stride, n; /* floats of a layer, of the block */
} table;

static void table_make(const encoder_config *c, table *t) {
#define X(field, layered, present, rows, cols, decay, prunable, name)                              \
    t->row[ROW_##field] =                                                                          \
        (table_row){layered, (present) != 0, rows, cols, decay, prunable, name, 0, 0};
    ENCODER_PARAMS(X)
#undef X
    t->family = encoder_family_in(c);
    t->stride = 0;
    t->n = 0;
    for (int i = 0; i < ROW_COUNT; i++) {
        table_row *r = &t->row[i];
        r->floats = r->present ? (size_t)r->rows * (size_t)r->cols : 0;
        r->offset = t->n;
        t->n += r->floats;
        t->stride += r->layered ? r->floats : 0;
        if (r->layered && !t->row[i + 1].layered) /* the last of a layer: the others follow */
            t->n += t->stride * (size_t)(c->L - 1);
    }
}

size_t encoder_count(const encoder_config *c) {
    table t;
    table_make(c, &t);
    return t.n;
}

void encoder_view(encoder_params *p, const encoder_config *c, float *block) {
    table t;
    table_make(c, &t);
    p->layer_stride = t.stride;
#define X(field, ...)                                                                              \
    p->field = t.row[ROW_##field].present ? block + t.row[ROW_##field].offset : NULL;
    ENCODER_PARAMS(X)
#undef X
}

typedef void (*array_visit)(void *state, int i, const encoder_array *a);

static void visit_row(const table *t, const table_row *r, int layer, array_visit visit, void *state,
                      int *n) {
    if (!r->present)
        return;
    encoder_array a = {.offset = r->offset + (layer > 0 ? (size_t)layer * t->stride : 0),
                       .rows = r->rows,
                       .cols = r->cols,
                       .layer = layer,
                       .decay = r->decay,
                       .prunable = r->prunable};
    char name[ENCODER_NAME_BYTES];
    encoder_family_array(t->family, r->name, name, sizeof name);
    const char *mark = strstr(name, "%d");
    if (mark)
        snprintf(a.name, sizeof a.name, "%.*s%d%s", (int)(mark - name), name, layer, mark + 2);
    else
        snprintf(a.name, sizeof a.name, "%s", name);
    visit(state, (*n)++, &a);
}

/* every array in block order; returns how many */
static int visit_arrays(const encoder_config *c, array_visit visit, void *state) {
    table t;
    table_make(c, &t);
    int n = 0, i = 0;
    while (i < ROW_COUNT) {
        int end = i + 1;
        while (end < ROW_COUNT && t.row[i].layered && t.row[end].layered)
            end++;
        for (int l = 0; l < (t.row[i].layered ? c->L : 1); l++)
            for (int k = i; k < end; k++)
                visit_row(&t, &t.row[k], t.row[k].layered ? l : -1, visit, state, &n);
        i = end;
    }
    return n;
}

typedef struct array_list {
    encoder_array *out;
    int cap;
} array_list;

static void list_array(void *state, int i, const encoder_array *a) {
    array_list *list = state;
    if (i < list->cap)
        list->out[i] = *a;
}

int encoder_arrays(const encoder_config *c, encoder_array *out, int cap) {
    array_list list = {out, cap};
    return visit_arrays(c, list_array, &list);
}

err encoder_create(const encoder_config *c, encoder **out) {
    CHECK(c->H > 0 && c->A > 0 && c->H % c->A == 0, ERR_FAILED,
          "encoder: hidden width %d is not a multiple of %d heads", c->H, c->A);
    int types = encoder_family_in(c)->types;
    CHECK(c->V > 0 && c->L > 0 && c->F > 0 && c->P > 0 && (c->Y > 0) == types, ERR_FAILED,
          "encoder: a dimension is not positive (V %d, L %d, F %d, P %d, Y %d)", c->V, c->L, c->F,
          c->P, c->Y);
    CHECK(c->K >= 0 && c->K <= ENCODER_MAX_CLASSES, ERR_FAILED,
          "encoder: %d classes; between 0 and %d are possible", c->K, (int)ENCODER_MAX_CLASSES);
    err e = OK;
    encoder *m = NULL;
    TRY(mem_alloc(1, sizeof *m, &m));
    m->c = *c;
    m->n = encoder_count(c);
    TRY(mem_alloc(m->n, sizeof *m->block, &m->block));
    encoder_view(&m->p, c, m->block);
    *out = m;
    m = NULL;
done:
    encoder_destroy(&m);
    return e;
}

void encoder_destroy(encoder **m) {
    if (!*m)
        return;
    free((*m)->block);
    thin_destroy(&(*m)->thin);
    free(*m);
    *m = NULL;
}

err encoder_copy(const encoder *m, encoder **out) {
    CALL(encoder_create(&m->c, out));
    memcpy((*out)->block, m->block, m->n * sizeof *m->block);
    return OK;
}

/* n normal(0, 0.02) numbers, four a counter (Box-Muller on both halves) */
static void init_normal(float *x, size_t n, uint64_t seed, uint32_t array) {
    const double deviation = 0.02, turn = 6.283185307179586476925;
    for (size_t i = 0; i < n; i += 4) {
        uint64_t c = i / 4;
        uint32_t r[4];
        rng_block(seed, RNG_INIT, array, (uint32_t)(c >> 32), (uint32_t)c, r);
        for (size_t k = 0; k < 4 && i + k < n; k++) {
            double u = ((double)r[k & 2] + 1.0) * 0x1p-32; /* (0, 1] */
            double angle = turn * ((double)r[(k & 2) + 1] * 0x1p-32);
            double radius = deviation * sqrt(-2.0 * log(u));
            x[i + k] = (float)(radius * (k & 1 ? sin(angle) : cos(angle)));
        }
    }
}

/* FNV-1a of the name: an array's numbers do not depend on which other arrays there are */
static uint32_t array_number(const char *name) {
    uint32_t h = 2166136261u;
    for (const char *c = name; *c; c++)
        h = (h ^ (uint32_t)(unsigned char)*c) * 16777619u;
    return h;
}

void encoder_init_array(encoder *m, const encoder_array *a, uint64_t seed) {
    float *x = m->block + a->offset;
    size_t n = (size_t)a->rows * (size_t)a->cols;
    if (strcmp(strrchr(a->name, '.'), ".bias") == 0)
        memset(x, 0, n * sizeof *x);
    else if (!a->decay) /* LayerNorm */
        for (size_t i = 0; i < n; i++)
            x[i] = 1.0f;
    else
        init_normal(x, n, seed, array_number(a->name));
}

typedef struct init_state {
    encoder *m;
    uint64_t seed;
} init_state;

static void init_visit(void *state, int i, const encoder_array *a) {
    (void)i;
    init_state *s = state;
    encoder_init_array(s->m, a, s->seed);
}

void encoder_init(encoder *m, uint64_t seed) {
    init_state s = {m, seed};
    visit_arrays(&m->c, init_visit, &s);
}

linear_view encoder_linear(const encoder *m, int layer, linear_kind kind) {
    size_t at = (size_t)layer * m->p.layer_stride;
    int H = m->c.H, F = m->c.F;
    const encoder_params *p = &m->p;
    switch (kind) {
    case LINEAR_QUERY:
        return (linear_view){p->query_w + at, p->query_b + at, H, H, STAGE_QKV, "query"};
    case LINEAR_KEY:
        return (linear_view){p->key_w + at, p->key_b + at, H, H, STAGE_QKV, "key"};
    case LINEAR_VALUE:
        return (linear_view){p->value_w + at, p->value_b + at, H, H, STAGE_QKV, "value"};
    case LINEAR_ATT:
        return (linear_view){p->att_w + at, p->att_b + at, H, H, STAGE_ATT, "attention"};
    case LINEAR_INTER:
        return (linear_view){p->inter_w + at, p->inter_b + at, F, H, STAGE_INTER, "intermediate"};
    default:
        return (linear_view){p->out_w + at, p->out_b + at, H, F, STAGE_OUT, "output"};
    }
}
