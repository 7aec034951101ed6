#include "model/workspace.h"

#include "base/arena.h"

#include <stdlib.h>

/* hands out aligned pieces; with no base it only counts */
typedef struct cutter {
    float *base;
    size_t used;
} cutter;

static float *cut(cutter *c, size_t rows, size_t cols) {
    size_t at = c->used;
    c->used += (rows * cols + 15) / 16 * 16; /* 64 bytes */
    return c->base ? c->base + at : NULL;
}

static size_t longest(const batch *b) {
    int32_t S = 0;
    for (int s = 0; s < b->B; s++)
        if (b->offsets[s + 1] - b->offsets[s] > S)
            S = b->offsets[s + 1] - b->offsets[s];
    return (size_t)S;
}

/* floats of the attention probabilities of one layer: A times the sum of R S */
static size_t all_probs(const encoder_config *c, const batch *b, int first) {
    size_t n = 0;
    for (int s = 0; s < b->B; s++) {
        size_t S = (size_t)(b->offsets[s + 1] - b->offsets[s]);
        n += (size_t)c->A * (first ? S : S * S);
    }
    return n;
}

/* R: rows from the context on */
static void cut_layer(cutter *k, layer_acts *a, const encoder_config *c, size_t T, size_t R,
                      size_t probs, int train) {
    size_t H = (size_t)c->H, F = (size_t)c->F;
    *a = (layer_acts){0};
    a->qkv = cut(k, T, 3 * H);
    a->probs = cut(k, probs, 1);
    a->context = cut(k, R, H);
    a->att = cut(k, R, H);
    a->mid = cut(k, R, H);
    a->out = cut(k, R, H);
    if (!train)
        return;
    a->u = cut(k, R, F);
    a->att_mean = cut(k, R, 1);
    a->att_rstd = cut(k, R, 1);
    a->out_mean = cut(k, R, 1);
    a->out_rstd = cut(k, R, 1);
}

static void cut_backward(cutter *k, encoder_ws *ws, size_t B, size_t T, size_t S) {
    size_t H = (size_t)ws->c.H, F = (size_t)ws->c.F;
    ws->dhidden = cut(k, T, H);
    ws->dbranch = cut(k, T, H);
    ws->dqkv = cut(k, T, 3 * H);
    ws->dinner = cut(k, T, F > H ? F : H);
    ws->dprobs = cut(k, S, S);
    ws->dfirst = cut(k, B, H);
    ws->dstart = cut(k, B, H);
}

static void cut_head(cutter *k, encoder_ws *ws, size_t M) {
    size_t H = (size_t)ws->c.H;
    ws->picked = cut(k, M, H);
    ws->head_u = cut(k, M, H);
    ws->head_gelu = cut(k, M, H);
    ws->head_mean = cut(k, M, 1);
    ws->head_rstd = cut(k, M, 1);
    ws->head = cut(k, M, H);
    ws->dhead = cut(k, M, H);
    ws->scores = cut(k, M < MLM_CHUNK ? M : MLM_CHUNK, (size_t)ws->c.V);
}

static void cut_layers(cutter *k, encoder_ws *ws, const batch *b, int train) {
    const encoder_config *c = &ws->c;
    size_t B = (size_t)b->B, T = (size_t)b->T, H = (size_t)c->H, S = longest(b);
    for (int l = 0; l < c->L; l++) {
        int first = ws->first && l == c->L - 1;
        if (train)
            cut_layer(k, &ws->layer[l], c, T, first ? B : T, all_probs(c, b, first), 1);
        else if (l == 0)
            cut_layer(k, &ws->layer[l], c, T, T, S * S, 0);
        else
            ws->layer[l] = ws->layer[0];
    }
    for (int l = 0; l <= c->L; l++)
        ws->hidden[l] = ws->mode != WS_INFER || l < 2 ? cut(k, T, H) : ws->hidden[l - 2];
}

static size_t shape(encoder_ws *ws, float *base, const batch *b, int M) {
    cutter k = {base, 0};
    const encoder_config *c = &ws->c;
    size_t B = (size_t)b->B, T = (size_t)b->T, H = (size_t)c->H, S = longest(b);
    int train = ws->mode == WS_TRAIN;
    cut_layers(&k, ws, b, train);
    ws->gelu = cut(&k, T, (size_t)c->F);
    ws->start = cut(&k, B, H);
    ws->ones = (int32_t *)(void *)cut(&k, B + 1, 1);
    ws->emb = cut(&k, T, H);
    ws->emb_mean = train ? cut(&k, T, 1) : NULL;
    ws->emb_rstd = train ? cut(&k, T, 1) : NULL;
    ws->first_rows = cut(&k, B, H);
    ws->pooled = cut(&k, B, H);
    ws->seen = cut(&k, B, H);
    ws->logits = cut(&k, B, (size_t)c->K);
    if (train) {
        ws->mask = cut(&k, S, S > H ? S : H);
        ws->dropped = cut(&k, S, S);
        cut_backward(&k, ws, B, T, S);
    }
    if (M > 0)
        cut_head(&k, ws, (size_t)M);
    return k.used;
}

err workspace_shape(encoder_ws *ws, const batch *b, int M, ws_mode mode, int first) {
    ws->mode = mode;
    ws->first = first;
    size_t need = shape(ws, NULL, b, M);
    if (need > ws->floats) {
        free(ws->memory);
        ws->memory = NULL;
        ws->floats = 0;
        CALL(mem_alloc(need, sizeof *ws->memory, &ws->memory));
        ws->floats = need;
    }
    shape(ws, ws->memory, b, M);
    for (int s = 0; s <= b->B; s++)
        ws->ones[s] = s;
    return OK;
}

err encoder_ws_create(const encoder_config *c, encoder_ws **out) {
    err e = OK;
    encoder_ws *ws = NULL;
    TRY(mem_alloc(1, sizeof *ws, &ws));
    ws->c = *c;
    TRY(mem_alloc((size_t)c->L, sizeof *ws->layer, &ws->layer));
    TRY(mem_alloc((size_t)c->L + 1, sizeof *ws->hidden, &ws->hidden));
    *out = ws;
    ws = NULL;
done:
    encoder_ws_destroy(&ws);
    return e;
}

void encoder_ws_destroy(encoder_ws **ws) {
    if (!*ws)
        return;
    free((*ws)->memory);
    free((*ws)->thin);
    free((*ws)->layer);
    free((*ws)->hidden);
    free(*ws);
    *ws = NULL;
}

const float *encoder_hidden(const encoder_ws *ws, int l) {
    return ws->hidden[l];
}

const float *encoder_pooled(const encoder_ws *ws) {
    return ws->pooled;
}

err encoder_ws_bytes(const encoder_config *c, const int32_t *lengths, int B, int M, int train,
                     size_t *out) {
    encoder_ws *ws = NULL;
    int32_t *offsets = NULL;
    err e;
    TRY(mem_alloc((size_t)B + 1, sizeof *offsets, &offsets));
    for (int s = 0; s < B; s++)
        offsets[s + 1] = offsets[s] + lengths[s];
    batch b = {.B = B, .T = offsets[B], .offsets = offsets};
    TRY(encoder_ws_create(c, &ws));
    ws->mode = train ? WS_TRAIN : WS_INFER;
    ws->first = M == 0; /* a classifier reads one row a sequence of the last layer */
    *out = sizeof(float) * shape(ws, NULL, &b, M);
done:
    encoder_ws_destroy(&ws);
    free(offsets);
    return e;
}
