#include "prune/calibration.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

typedef struct chunk {
    int first, B, T;
    float *h[2]; // (T, H) at the input of the current block: dense, pruned
} chunk;

struct calibration {
    const par *p;
    const encoder *model[2]; /* dense, pruned */
    int block, n;
    chunk *chunks; // (n)
    int32_t *rows; // 0, 1, … every sentence's row
    packer *packer;
    encoder_ws *ws;
    float *out[2]; // (largest T, max(H, F)) what calibration_inputs hands out
};

static err pack(calibration *c, const chunk *k, batch *b) {
    return packer_pack(c->packer, c->rows + k->first, k->B, b);
}

/* chunk number `number` of all, embedded in both models */
static err chunk_make(calibration *c, const examples *x, int number, int size, chunk *k) {
    batch b;
    k->first = number * size;
    k->B = x->n - k->first < size ? x->n - k->first : size;
    CALL(pack(c, k, &b));
    k->T = b.T;
    for (int m = 0; m < 2; m++) {
        CALL(mem_alloc((size_t)b.T * (size_t)c->model[m]->c.H, sizeof(float), &k->h[m]));
        CALL(encoder_embed(c->ws, c->model[m], &b, k->h[m]));
    }
    return OK;
}

static err build(calibration *c, const examples *x, int size) {
    const encoder_config *g = &c->model[0]->c;
    int all = (x->n + size - 1) / size, widest = g->F > g->H ? g->F : g->H, longest = 0;
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
    for (int m = 0; m < 2; m++)
        CALL(mem_alloc((size_t)longest * (size_t)widest + 1, sizeof(float), &c->out[m]));
    return OK;
}

err calibration_open(const par *p, const encoder *dense, const encoder *pruned, const examples *x,
                     int chunk_size, calibration **out) {
    calibration *c = NULL;
    err e = OK;
    CHECK(x->n > 0 && chunk_size > 0, ERR_USAGE,
          "pruning needs at least one calibration sentence and one sentence a chunk");
    e = mem_alloc(1, sizeof *c, &c);
    if (e == OK) {
        c->p = p;
        c->model[0] = dense;
        c->model[1] = pruned;
        e = build(c, x, chunk_size < x->n ? chunk_size : x->n);
    }
    e = par_agree(p, e);
    if (e != OK)
        calibration_close(&c);
    *out = c;
    return e;
}

void calibration_close(calibration **c) {
    if (!*c)
        return;
    for (int i = 0; i < (*c)->n; i++)
        for (int m = 0; m < 2; m++)
            free((*c)->chunks[i].h[m]);
    free((*c)->chunks);
    free((*c)->rows);
    packer_destroy(&(*c)->packer);
    encoder_ws_destroy(&(*c)->ws);
    free((*c)->out[0]);
    free((*c)->out[1]);
    free(*c);
    *c = NULL;
}

int calibration_chunks(const calibration *c) {
    return c->n;
}

int calibration_block(const calibration *c) {
    return c->block;
}

err calibration_inputs(calibration *c, int i, block_stage s, const float **x, const float **xhat,
                       int *T) {
    const chunk *k = &c->chunks[i];
    batch b;
    CALL(pack(c, k, &b));
    for (int m = 0; m < 2; m++)
        CALL(encoder_block(c->ws, c->model[m], c->block, &b, k->h[m], s, c->out[m]));
    *x = c->out[0];
    *xhat = c->out[1];
    *T = k->T;
    return OK;
}

err calibration_advance(calibration *c) {
    err e = OK;
    for (int i = 0; i < c->n && e == OK; i++) {
        const float *x, *xhat;
        int T;
        e = calibration_inputs(c, i, STAGE_DONE, &x, &xhat, &T);
        if (e != OK)
            break;
        size_t bytes = (size_t)T * (size_t)c->model[0]->c.H * sizeof(float);
        memcpy(c->chunks[i].h[0], x, bytes);
        memcpy(c->chunks[i].h[1], xhat, bytes);
    }
    c->block++;
    return par_agree(c->p, e);
}

err calibration_pooled_inputs(calibration *c, int i, const float **x, const float **xhat, int *B) {
    const chunk *k = &c->chunks[i];
    size_t H = (size_t)c->model[0]->c.H;
    batch b;
    CALL(pack(c, k, &b));
    for (int m = 0; m < 2; m++)
        for (size_t s = 0; s < (size_t)b.B; s++)
            memcpy(c->out[m] + s * H, k->h[m] + (size_t)b.offsets[s] * H, H * sizeof(float));
    *x = c->out[0];
    *xhat = c->out[1];
    *B = b.B;
    return OK;
}
