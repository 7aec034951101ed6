#include "model/backward.h"

#include "model/dropout.h"
#include "model/forward.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/norm.h"

#include <string.h>

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

/* ws->dqkv from dcontext (T, H) */
static void backward_attention(encoder_ws *ws, const layer_acts *a, const float *dcontext, int l,
                               const batch *b, const dropout *drop) {
    int H = ws->c.H, D = H / ws->c.A;
    size_t probs = 0;
    for (int s = 0; s < b->B; s++) {
        int S = b->offsets[s + 1] - b->offsets[s];
        size_t at = (size_t)b->offsets[s] * (size_t)H;
        for (int head = 0; head < ws->c.A; head++) {
            const float *q = a->qkv + 3 * at + head * D;
            float *dq = ws->dqkv + 3 * at + head * D;
            const float *mask = NULL;
            if (drop && drop->attention > 0.0f) {
                dropout_mask(ws->mask, drop, DROPOUT_PROBS, l, head, forward_example(b, s),
                             drop->attention, S, S);
                mask = ws->mask;
            }
            attention_backward(dq, dq + H, dq + 2 * H, dcontext + at + head * D, H, ws->dprobs,
                               ws->dropped, a->probs + probs, q, q + H, q + 2 * H, 3 * H, mask, S,
                               D);
            probs += (size_t)S * (size_t)S;
        }
    }
}

/* ws->dhidden: gradient of layer l's output, replaced by that of its input */
static void backward_layer(encoder_ws *ws, const encoder *m, int l, const batch *b,
                           const dropout *drop, encoder_params *d) {
    const layer_acts *a = &ws->layer[l];
    const encoder_params *p = &m->p;
    size_t at = (size_t)l * p->layer_stride;
    int T = b->T, H = m->c.H, F = m->c.F;
    size_t floats = (size_t)T * (size_t)H;
    float *dh = ws->dhidden, *dx = ws->dbranch;

    backward_sum(ws, dh, dx, d->out_b + at, d->out_norm_w + at, d->out_norm_b + at, a->out,
                 a->out_mean, a->out_rstd, p->out_norm_w + at, b, drop, DROPOUT_OUT, l);
    linear_backward_weight(d->out_w + at, dx, a->gelu, T, H, F);
    memset(ws->dinner, 0, (size_t)T * (size_t)F * sizeof *ws->dinner);
    linear_backward_input(ws->dinner, dx, p->out_w + at, T, H, F);
    gelu_backward(ws->dinner, d->inter_b + at, a->slope, T, F);
    linear_backward_weight(d->inter_w + at, ws->dinner, a->mid, T, F, H);
    linear_backward_input(dh, ws->dinner, p->inter_w + at, T, F, H);

    backward_sum(ws, dh, dx, d->att_b + at, d->att_norm_w + at, d->att_norm_b + at, a->att,
                 a->att_mean, a->att_rstd, p->att_norm_w + at, b, forward_attention_drop(m, drop),
                 DROPOUT_ATT, l);
    linear_backward_weight(d->att_w + at, dx, a->context, T, H, H);
    float *dcontext = ws->dinner; /* free again */
    memset(dcontext, 0, floats * sizeof *dcontext);
    linear_backward_input(dcontext, dx, p->att_w + at, T, H, H);
    backward_attention(ws, a, dcontext, l, b, drop);
    bias_backward(d->query_b + at, ws->dqkv, T, 3 * H);
    linear_backward_weight(d->query_w + at, ws->dqkv, ws->hidden[l], T, 3 * H, H);
    linear_backward_input(dh, ws->dqkv, p->query_w + at, T, 3 * H, H);
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
