#include "model/backward.h"

#include "model/dropout.h"
#include "model/forward.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/norm.h"

/* Back through norm(residual + mask (x + bias)): dy (T, H) becomes the gradient of the residual,
 * dx (T, H) that of x. */
static void backward_sum(encoder_ws *ws, float *dy, float *dx, float *dbias, float *dw, float *db,
                         const float *x, const float *mean, const float *rstd, const float *w,
                         const batch *b, const dropout *drop, dropout_site site, int l) {
    int H = ws->c.H;
    if (!drop || drop->hidden <= 0.0f) {
        residual_norm_backward(dy, dx, dbias, dw, db, dy, x, mean, rstd, NULL, w, b->T, H);
        return;
    }
    for (int s = 0; s < b->B; s++) {
        int first = b->offsets[s], S = b->offsets[s + 1] - first;
        size_t at = (size_t)first * (size_t)H;
        dropout_mask(ws->mask, drop, site, l, 0, forward_example(b, s), drop->hidden, S, H);
        residual_norm_backward(dy + at, dx + at, dbias, dw, db, dy + at, x + at, mean + first,
                               rstd + first, ws->mask, w, S, H);
    }
}

/* ws->dqkv from dcontext, (T, H) or (B, H) */
static void backward_attention(encoder_ws *ws, const layer_acts *a, const float *dcontext, int l,
                               const batch *b, const dropout *drop) {
    int H = ws->c.H, D = H / ws->c.A;
    const batch rows = forward_rows(ws, b, l);
    attention_qkv in = forward_parts(ws, a->qkv, b, l), d = forward_parts(ws, ws->dqkv, b, l);
    size_t probs = 0;
    for (int s = 0; s < b->B; s++) {
        int S = b->offsets[s + 1] - b->offsets[s];
        int first = rows.offsets[s], R = rows.offsets[s + 1] - first;
        for (int head = 0; head < ws->c.A; head++) {
            const float *mask = NULL;
            if (drop && drop->attention > 0.0f) {
                dropout_mask(ws->mask, drop, DROPOUT_PROBS, l, head, forward_example(b, s),
                             drop->attention, R, S);
                mask = ws->mask;
            }
            attention_backward(forward_head(d, b, &rows, s, head, D),
                               dcontext + (size_t)first * (size_t)H + head * D, H, ws->dprobs,
                               ws->dropped, a->probs + probs,
                               forward_head(in, b, &rows, s, head, D), mask, R, S, D);
            probs += (size_t)R * (size_t)S;
        }
    }
}

/* n of the three projections, the first with weight w (H, H) and gradients dw, db: d (T, n H), the
 * gradient of their outputs, from their input h (T, H); dh (T, H) = or += that of the input */
static void backward_projections(float *dh, float *dw, float *db, const float *d, const float *h,
                                 const float *w, int n, int T, int H, int add, precision p) {
    bias_backward(db, d, T, n * H);
    linear_backward_weight(dw, d, h, T, n * H, H, p);
    linear_backward_input(dh, d, w, T, n * H, H, add, p);
}

/* from ws->dqkv to the layer's input, whose gradient so far is dh */
static void backward_qkv(encoder_ws *ws, const encoder *m, int l, const batch *b, float *dh,
                         encoder_params *d) {
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    int T = b->T, H = m->c.H;
    const float *h = ws->hidden[l];
    if (!forward_first(ws, l)) {
        backward_projections(dh, d->query_w + at, d->query_b + at, ws->dqkv, h, p->query_w + at, 3,
                             T, H, 1, ws->c.p);
        return;
    }
    attention_qkv parts = forward_parts(ws, ws->dqkv, b, l);
    backward_projections(dh, d->query_w + at, d->query_b + at, parts.q, ws->start, p->query_w + at,
                         1, b->B, H, 1, ws->c.p);
    backward_projections(ws->dhidden, d->key_w + at, d->key_b + at, parts.k, h, p->key_w + at, 2, T,
                         H, 0, ws->c.p);
    rows_scatter(ws->dhidden, dh, b->offsets, b->B, H);
}

/* The gradient of layer l's output, replaced by that of its input: in ws->dhidden (T, H), except
 * that of an output of first tokens, which comes in ws->dstart (B, H). */
static void backward_layer(encoder_ws *ws, const encoder *m, int l, const batch *b,
                           const dropout *drop, encoder_params *d) {
    layer_acts *a = &ws->layer[l];
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    const batch rows = forward_rows(ws, b, l);
    int T = rows.T, H = m->c.H, F = m->c.F;
    float *dh = forward_first(ws, l) ? ws->dstart : ws->dhidden, *dx = ws->dbranch;

    backward_sum(ws, dh, dx, d->out_b + at, d->out_norm_w + at, d->out_norm_b + at, a->out,
                 a->out_mean, a->out_rstd, p->out_norm_w + at, &rows, drop, DROPOUT_OUT, l);
    linear_gelu_backward(ws->dinner, a->u, d->inter_b + at, dx, p->out_w + at, T, H, F, ws->c.p);
    linear_backward_weight(d->out_w + at, dx, a->u, T, H, F, ws->c.p); /* u is gelu(u) by now */
    linear_backward_weight(d->inter_w + at, ws->dinner, a->mid, T, F, H, ws->c.p);
    linear_backward_input(dh, ws->dinner, p->inter_w + at, T, F, H, 1, ws->c.p);

    backward_sum(ws, dh, dx, d->att_b + at, d->att_norm_w + at, d->att_norm_b + at, a->att,
                 a->att_mean, a->att_rstd, p->att_norm_w + at, &rows,
                 forward_attention_drop(m, drop), DROPOUT_ATT, l);
    linear_backward_weight(d->att_w + at, dx, a->context, T, H, H, ws->c.p);
    float *dcontext = ws->dinner; /* free again */
    linear_backward_input(dcontext, dx, p->att_w + at, T, H, H, 0, ws->c.p);
    backward_attention(ws, a, dcontext, l, b, drop);
    backward_qkv(ws, m, l, b, dh, d);
}

void backward_run(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                  encoder_params *d) {
    int T = b->T, H = m->c.H;
    for (int l = m->c.L - 1; l >= 0; l--)
        backward_layer(ws, m, l, b, drop, d);
    forward_embedding_mask(ws, ws->dhidden, b, drop);
    norm_backward(ws->dhidden, d->emb_norm_w, d->emb_norm_b, ws->dhidden, ws->emb, ws->emb_mean,
                  ws->emb_rstd, m->p.emb_norm_w, T, H);
    embedding_backward(d->word_emb, d->pos_emb + (size_t)m->c.first_position * (size_t)H,
                       d->type_emb, ws->dhidden, b, H);
}
