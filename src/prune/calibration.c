#include "prune/calibration.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* what one model keeps of a chunk */
typedef struct state {
    float *h;       // (T, H) the block's input; from STAGE_INTER on the sum behind the attention
    float *context; // (T, H) at STAGE_ATT, else NULL; the dense model's is always there, and has
                    // room for the block's output too
} state;

typedef struct chunk {
    int first, B, T;
    state *of; // (models)
    int ahead; /* 1: the dense model's context is the block's output */
} chunk;

struct calibration {
    const par *p;
    const encoder **model; // (models)
    int models;
    int block, n;
    block_stage at;
    chunk *chunks; // (n)
    int32_t *rows; // 0, 1, … every sentence's row
    packer *packer;
    encoder_ws *ws;
    float *out; // (largest T, max(H, F)) what is made anew
};

static err pack(calibration *c, const chunk *k, batch *b) {
    return packer_pack(c->packer, c->rows + k->first, k->B, b);
}

static size_t state_size(const calibration *c, const chunk *k) {
    return (size_t)k->T * (size_t)c->model[0]->c.H;
}

/* chunk number `number` of all, embedded in every model */
static err chunk_make(calibration *c, const examples *x, int number, int size, chunk *k) {
    batch b;
    k->first = number * size;
    k->B = x->n - k->first < size ? x->n - k->first : size;
    CALL(pack(c, k, &b));
    k->T = b.T;
    CALL(mem_alloc((size_t)c->models, sizeof *k->of, &k->of));
    CALL(mem_alloc(state_size(c, k), sizeof(float), &k->of[0].context));
    for (int m = 0; m < c->models; m++) {
        CALL(mem_alloc(state_size(c, k), sizeof(float), &k->of[m].h));
        if (m == 0)
            CALL(encoder_embed(c->ws, c->model[0], &b, k->of[0].h));
        else
            memcpy(k->of[m].h, k->of[0].h, state_size(c, k) * sizeof(float));
    }
    return OK;
}

static err build(calibration *c, const encoder *const *models, const examples *x, int size) {
    const encoder_config *g = &models[0]->c;
    int all = (x->n + size - 1) / size, widest = g->F > g->H ? g->F : g->H, longest = 0;
    CALL(mem_alloc((size_t)c->models, sizeof *c->model, &c->model));
    memcpy(c->model, models, (size_t)c->models * sizeof *c->model);
    CALL(mem_alloc((size_t)x->n, sizeof *c->rows, &c->rows));
    for (int32_t i = 0; i < x->n; i++)
        c->rows[i] = i;
    CALL(packer_create(x, size, &c->packer));
    CALL(encoder_ws_create(g, &c->ws));
    CALL(mem_alloc((size_t)(all / c->p->size + 1), sizeof *c->chunks, &c->chunks));
    for (int number = c->p->rank; number < all; number += c->p->size) {
        chunk *k = &c->chunks[c->n++];
        CALL(chunk_make(c, x, number, size, k));
        longest = k->T > longest ? k->T : longest;
    }
    return mem_alloc((size_t)longest * (size_t)widest + 1, sizeof(float), &c->out);
}

err calibration_open(const par *p, const encoder *const *models, int n, const examples *x,
                     int chunk_size, calibration **out) {
    calibration *c = NULL;
    err e = OK;
    CHECK(x->n > 0 && chunk_size > 0, ERR_USAGE,
          "pruning needs at least one calibration sentence and one sentence a chunk");
    e = mem_alloc(1, sizeof *c, &c);
    if (e == OK) {
        c->p = p;
        c->models = n;
        e = build(c, models, x, chunk_size < x->n ? chunk_size : x->n);
    }
    e = par_agree(p, e);
    if (e != OK)
        calibration_close(&c);
    *out = c;
    return e;
}

static void chunk_free(calibration *c, chunk *k) {
    for (int m = 0; k->of && m < c->models; m++) {
        free(k->of[m].h);
        free(k->of[m].context);
    }
    free(k->of);
}

void calibration_close(calibration **c) {
    if (!*c)
        return;
    for (int i = 0; i < (*c)->n; i++)
        chunk_free(*c, &(*c)->chunks[i]);
    free((*c)->chunks);
    free((*c)->model);
    free((*c)->rows);
    packer_destroy(&(*c)->packer);
    encoder_ws_destroy(&(*c)->ws);
    free((*c)->out);
    free(*c);
    *c = NULL;
}

int calibration_chunks(const calibration *c) {
    return c->n;
}

int calibration_block(const calibration *c) {
    return c->block;
}

block_stage calibration_stage(const calibration *c) {
    return c->at;
}

/* from what model m keeps of chunk k to the input of stage `to`: out */
static err go(calibration *c, const chunk *k, int m, const batch *b, block_stage to, float *out) {
    const state *s = &k->of[m];
    block_stage from = c->at > STAGE_INTER ? STAGE_INTER : c->at;
    return encoder_block_from(c->ws, c->model[m], c->block, b, from,
                              from == STAGE_ATT ? s->context : s->h, s->h, to, out);
}

/* the dense model's output of the block, while its gelu is in c->out */
static err go_ahead(calibration *c, chunk *k, const batch *b) {
    state *s = &k->of[0];
    CALL(encoder_block_from(c->ws, c->model[0], c->block, b, STAGE_OUT, c->out, s->h, STAGE_DONE,
                            s->context));
    k->ahead = 1;
    return OK;
}

err calibration_input(calibration *c, int i, int m, const float **x, int *T) {
    chunk *k = &c->chunks[i];
    batch b;
    *T = k->T;
    *x = c->at == STAGE_ATT ? k->of[m].context : k->of[m].h;
    if (c->at != STAGE_OUT)
        return OK;
    CALL(pack(c, k, &b));
    *x = c->out;
    CALL(go(c, k, m, &b, STAGE_OUT, c->out));
    return m == 0 && !k->ahead ? go_ahead(c, k, &b) : OK;
}

err calibration_pooled_input(calibration *c, int i, int m, const float **x, int *B) {
    const chunk *k = &c->chunks[i];
    size_t H = (size_t)c->model[0]->c.H;
    batch b;
    CALL(pack(c, k, &b));
    for (size_t s = 0; s < (size_t)b.B; s++)
        memcpy(c->out + s * H, k->of[m].h + (size_t)b.offsets[s] * H, H * sizeof(float));
    *x = c->out;
    *B = b.B;
    return OK;
}

/* what model m keeps of chunk k, from STAGE_OUT on to the next block */
static err step_out(calibration *c, chunk *k, int m, const batch *b) {
    state *s = &k->of[m];
    if (m > 0 || !k->ahead)
        return go(c, k, m, b, STAGE_DONE, s->h);
    float *output = s->context;
    s->context = s->h;
    s->h = output;
    k->ahead = 0;
    return OK;
}

/* what model m keeps of chunk k, one stage on */
static err step(calibration *c, chunk *k, int m, const batch *b) {
    state *s = &k->of[m];
    switch (c->at) {
    case STAGE_QKV:
        if (m > 0)
            CALL(mem_alloc(state_size(c, k), sizeof(float), &s->context));
        return go(c, k, m, b, STAGE_ATT, s->context);
    case STAGE_ATT:
        CALL(go(c, k, m, b, STAGE_INTER, s->h));
        if (m > 0) {
            free(s->context);
            s->context = NULL;
        }
        return OK;
    case STAGE_OUT:
        return step_out(c, k, m, b);
    default: /* the gelu is made from what is there */
        return OK;
    }
}

err calibration_next(calibration *c) {
    err e = OK;
    for (int i = 0; i < c->n && e == OK && c->at != STAGE_INTER; i++) {
        batch b;
        e = pack(c, &c->chunks[i], &b);
        for (int m = 0; m < c->models && e == OK; m++)
            e = step(c, &c->chunks[i], m, &b);
    }
    CALL(par_agree(c->p, e));
    if (++c->at == STAGE_DONE) {
        c->at = STAGE_QKV;
        c->block++;
    }
    return OK;
}

err calibration_advance(calibration *c) {
    for (int block = c->block; c->block == block;)
        CALL(calibration_next(c));
    return OK;
}
