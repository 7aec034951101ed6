#include "model/encoder.h"

#include "model/dropout.h"
#include "model/first_layer_use.h"
#include "model/forward.h"
#include "model/thin.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/norm.h"

#include <string.h>

static err check_batch(const encoder_config *c, const batch *b) {
    CHECK(b->B > 0 && b->offsets[0] == 0 && b->offsets[b->B] == b->T, ERR_DATA,
          "batch of %d sequences: offsets must run from 0 to its %d tokens", b->B, b->T);
    for (int s = 0; s < b->B; s++) {
        int32_t S = b->offsets[s + 1] - b->offsets[s];
        CHECK(S > 0, ERR_DATA, "sequence %d of the batch is empty", s);
        CHECK(S <= c->P, ERR_DATA,
              "sequence %d of the batch has %d tokens, the encoder %d positions: cut it", s, S,
              c->P);
    }
    for (int t = 0; t < b->T; t++) {
        CHECK(b->ids[t] >= 0 && b->ids[t] < c->V, ERR_DATA,
              "token %d of the batch has id %d, the encoder a vocabulary of %d", t, b->ids[t],
              c->V);
        CHECK(!b->types || (b->types[t] >= 0 && b->types[t] < c->Y), ERR_DATA,
              "token %d of the batch has type %d, the encoder %d types", t, b->types[t], c->Y);
    }
    return OK;
}

err forward_begin(encoder_ws *ws, const encoder *m, const batch *b, int M, ws_mode mode,
                  int first) {
    CHECK(ws->c.L == m->c.L, ERR_FAILED, "workspace made for %d layers, the encoder has %d",
          ws->c.L, m->c.L);
    CALL(check_batch(&m->c, b));
    ws->c = m->c;
    ws->served = 0;
    CALL(thin_reserve(ws, m));
    return workspace_shape(ws, b, M, mode, first);
}

err forward_recall(encoder_ws *ws, const encoder *m, const batch *b) {
    if (!ws->kept || ws->mode == WS_TRAIN || forward_first(ws, 0))
        return OK;
    return first_layer_look(ws->kept, m, b, &ws->served);
}

/* the embeddings' dropout, in place; forward and backward alike */
void forward_embedding_mask(encoder_ws *ws, float *x, const batch *b, const dropout *drop) {
    size_t H = (size_t)ws->c.H;
    if (!drop || drop->hidden <= 0.0f)
        return;
    for (int s = 0; s < b->B; s++) {
        int S = b->offsets[s + 1] - b->offsets[s];
        dropout_mask(ws->mask, drop, DROPOUT_EMBEDDING, 0, 0, forward_example(b, s), drop->hidden,
                     S, ws->c.H);
        float *restrict row = x + (size_t)b->offsets[s] * H;
        for (size_t i = 0; i < (size_t)S * H; i++)
            row[i] *= ws->mask[i];
    }
}

void forward_embed(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                   float *h) {
    const encoder_params *p = &m->p;
    embedding_forward(ws->emb, b, p->word_emb, forward_positions(m), p->type_emb, m->c.H);
    if (b->delta)
        for (size_t i = 0; i < (size_t)b->T * (size_t)m->c.H; i++)
            ws->emb[i] += b->delta[i];
    norm_forward(h, ws->emb_mean, ws->emb_rstd, ws->emb, p->emb_norm_w, p->emb_norm_b,
                 m->c.norm_eps, b->T, m->c.H);
    forward_embedding_mask(ws, h, b, drop);
}

/* queries, keys and values of layer l from its input h (T, H) */
static void forward_qkv(encoder_ws *ws, layer_acts *a, const encoder *m, int l, const batch *b,
                        const float *h) {
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    int H = m->c.H;
    if (l == 0 && ws->served) {
        first_layer_qkv(ws->kept, ws, a->qkv, h, b->T);
        return;
    }
    if (!forward_first(ws, l)) {
        if (!thin_qkv(ws, m, l, a->qkv, h, b->T))
            linear_forward(a->qkv, h, p->query_w + at, p->query_b + at, b->T, 3 * H, H, ws->c.p);
        return;
    }
    attention_qkv parts = forward_parts(ws, a->qkv, b, l);
    rows_gather(ws->start, h, b->offsets, b->B, H);
    const float *query_b = p->query_b + at, *key_b = p->key_b + at;
    if (!thin_linear(ws, m, l, THIN_QUERY, parts.q, H, ws->start, query_b, b->B))
        linear_forward(parts.q, ws->start, p->query_w + at, query_b, b->B, H, H, ws->c.p);
    if (!thin_linear(ws, m, l, THIN_KEY_VALUE, parts.k, 2 * H, h, key_b, b->T))
        linear_forward(parts.k, h, p->key_w + at, key_b, b->T, 2 * H, H, ws->c.p);
}

/* every head of every sequence: context */
static void forward_attention(encoder_ws *ws, layer_acts *a, const encoder *m, int l,
                              const batch *b, const dropout *drop) {
    int H = m->c.H, D = H / m->c.A;
    const batch rows = forward_rows(ws, b, l);
    attention_qkv parts = forward_parts(ws, a->qkv, b, l);
    size_t probs = 0;
    for (int s = 0; s < b->B; s++) {
        int S = b->offsets[s + 1] - b->offsets[s];
        int first = rows.offsets[s], R = rows.offsets[s + 1] - first;
        for (int head = 0; head < m->c.A; head++) {
            const float *mask = NULL;
            if (drop && drop->attention > 0.0f) {
                dropout_mask(ws->mask, drop, DROPOUT_PROBS, l, head, forward_example(b, s),
                             drop->attention, R, S);
                mask = ws->mask;
            }
            attention_forward(a->context + (size_t)first * (size_t)H + head * D, H,
                              a->probs + probs, ws->dropped,
                              forward_head(parts, b, &rows, s, head, D), mask, R, S, D);
            if (ws->mode == WS_TRAIN)
                probs += (size_t)R * (size_t)S;
        }
    }
}

/* y = norm(residual + mask (x + bias)), sequence by sequence where there is a mask */
static void forward_sum(encoder_ws *ws, float *y, float *x, float *mean, float *rstd,
                        const float *residual, const float *bias, const float *w,
                        const float *norm_b, const batch *b, const dropout *drop, dropout_site site,
                        int l) {
    int H = ws->c.H;
    if (!drop || drop->hidden <= 0.0f) {
        residual_norm_forward(y, x, mean, rstd, residual, bias, NULL, w, norm_b, ws->c.norm_eps,
                              b->T, H);
        return;
    }
    for (int s = 0; s < b->B; s++) {
        int first = b->offsets[s], S = b->offsets[s + 1] - first;
        size_t at = (size_t)first * (size_t)H;
        dropout_mask(ws->mask, drop, site, l, 0, forward_example(b, s), drop->hidden, S, H);
        residual_norm_forward(y + at, x + at, mean ? mean + first : NULL,
                              rstd ? rstd + first : NULL, residual + at, bias, ws->mask, w, norm_b,
                              ws->c.norm_eps, S, H);
    }
}

static void forward_mid(encoder_ws *ws, layer_acts *a, const encoder *m, int l, const batch *rows,
                        const dropout *drop, const float *h) {
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    int H = m->c.H;
    if (!thin_linear(ws, m, l, THIN_ATT, a->att, H, a->context, NULL, rows->T))
        linear_forward(a->att, a->context, p->att_w + at, NULL, rows->T, H, H, ws->c.p);
    forward_sum(ws, a->mid, a->att, a->att_mean, a->att_rstd, h, p->att_b + at, p->att_norm_w + at,
                p->att_norm_b + at, rows, forward_attention_drop(m, drop), DROPOUT_ATT, l);
}

static void forward_gelu(encoder_ws *ws, layer_acts *a, const encoder *m, int l, int T) {
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    const int F = m->c.F;
    if (thin_linear(ws, m, l, THIN_INTER, ws->gelu, F, a->mid, NULL, T))
        gelu_forward(ws->gelu, NULL, ws->gelu, p->inter_b + at, F, T, F);
    else
        linear_gelu_forward(ws->gelu, a->u, a->mid, p->inter_w + at, p->inter_b + at, T, F, m->c.H,
                            ws->c.p);
}

static void forward_out(encoder_ws *ws, layer_acts *a, const encoder *m, int l, const batch *rows,
                        const dropout *drop, float *out) {
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    if (!thin_linear(ws, m, l, THIN_OUT, a->out, m->c.H, ws->gelu, NULL, rows->T))
        linear_forward(a->out, ws->gelu, p->out_w + at, NULL, rows->T, m->c.H, m->c.F, ws->c.p);
    forward_sum(ws, out, a->out, a->out_mean, a->out_rstd, a->mid, p->out_b + at,
                p->out_norm_w + at, p->out_norm_b + at, rows, drop, DROPOUT_OUT, l);
}

/* layer l from h (T, H) to out (T, H), or (B, H) where only first tokens are wanted */
static void forward_layer(encoder_ws *ws, const encoder *m, int l, const batch *b,
                          const dropout *drop, const float *h, float *out) {
    layer_acts *a = &ws->layer[l];
    const batch rows = forward_rows(ws, b, l);
    forward_qkv(ws, a, m, l, b, h);
    forward_attention(ws, a, m, l, b, drop);
    forward_mid(ws, a, m, l, &rows, drop, forward_first(ws, l) ? ws->start : h);
    forward_gelu(ws, a, m, l, rows.T);
    forward_out(ws, a, m, l, &rows, drop, out);
}

void forward_run(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop) {
    forward_embed(ws, m, b, drop, ws->hidden[0]);
    for (int l = 0; l < m->c.L; l++)
        forward_layer(ws, m, l, b, drop, ws->hidden[l], ws->hidden[l + 1]);
}

err encoder_forward(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                    int keep) {
    CALL(forward_begin(ws, m, b, 0, drop ? WS_TRAIN : keep ? WS_KEEP : WS_INFER, 0));
    CALL(forward_recall(ws, m, b));
    forward_run(ws, m, b, drop);
    return OK;
}

err encoder_embed(encoder_ws *ws, const encoder *m, const batch *b, float *h) {
    CALL(forward_begin(ws, m, b, 0, WS_INFER, 0));
    forward_embed(ws, m, b, NULL, h);
    return OK;
}

/* context of layer l from its input, or as it was kept */
static void block_context(encoder_ws *ws, layer_acts *a, const encoder *m, int l, const batch *b,
                          block_stage from, const float *x) {
    if (from == STAGE_ATT) {
        memcpy(a->context, x, (size_t)b->T * (size_t)m->c.H * sizeof *x);
        return;
    }
    forward_qkv(ws, a, m, l, b, x);
    forward_attention(ws, a, m, l, b, NULL);
}

/* what the intermediate linear sees, from what is kept of an earlier stage, x, or h behind it */
static void block_mid(encoder_ws *ws, layer_acts *a, const encoder *m, int l, const batch *b,
                      block_stage from, const float *x, const float *h) {
    if (from < STAGE_INTER)
        forward_mid(ws, a, m, l, b, NULL, from == STAGE_ATT ? h : x);
    else
        memcpy(a->mid, from == STAGE_INTER ? x : h, (size_t)b->T * (size_t)m->c.H * sizeof *x);
}

err encoder_block_from(encoder_ws *ws, const encoder *m, int layer, const batch *b,
                       block_stage from, const float *x, const float *h, block_stage to,
                       float *out) {
    CHECK(layer >= 0 && layer < m->c.L, ERR_FAILED, "encoder_block: layer %d of %d", layer, m->c.L);
    CHECK(from <= STAGE_OUT && from <= to, ERR_FAILED, "encoder_block: from stage %d to %d",
          (int)from, (int)to);
    CALL(forward_begin(ws, m, b, 0, WS_INFER, 0));
    layer_acts *a = &ws->layer[layer];
    size_t T = (size_t)b->T, H = (size_t)m->c.H, F = (size_t)m->c.F;
    if (from == to) {
        memcpy(out, x, T * (from == STAGE_OUT ? F : H) * sizeof *x);
        return OK;
    }
    if (from < STAGE_INTER)
        block_context(ws, a, m, layer, b, from, x);
    if (to == STAGE_ATT) {
        memcpy(out, a->context, T * H * sizeof *x);
        return OK;
    }
    block_mid(ws, a, m, layer, b, from, x, h);
    if (to == STAGE_INTER) {
        memcpy(out, a->mid, T * H * sizeof *x);
        return OK;
    }
    if (from < STAGE_OUT)
        forward_gelu(ws, a, m, layer, b->T);
    else
        memcpy(ws->gelu, x, T * F * sizeof *x);
    if (to == STAGE_OUT) {
        memcpy(out, ws->gelu, T * F * sizeof *x);
        return OK;
    }
    forward_out(ws, a, m, layer, b, NULL, out);
    return OK;
}

err encoder_block(encoder_ws *ws, const encoder *m, int layer, const batch *b, const float *h,
                  block_stage s, float *x) {
    return encoder_block_from(ws, m, layer, b, STAGE_QKV, h, NULL, s, x);
}
