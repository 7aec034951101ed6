/* forward.h: the forward pass as the heads and the backward pass see it. Private to model. */
#ifndef ESPALIER_MODEL_FORWARD_H
#define ESPALIER_MODEL_FORWARD_H

#include "model/workspace.h"
#include "tensor/attention.h"

/* row of sequence s in its data set */
static inline int32_t forward_example(const batch *b, int s) {
    return b->example ? b->example[s] : s;
}

/* rows of pos_emb from that of a sequence's first token on */
static inline const float *forward_positions(const encoder *m) {
    return m->p.pos_emb + (size_t)m->c.first_position * (size_t)m->c.H;
}

/* dropout behind the attention's output, NULL for a family that has none there */
static inline const dropout *forward_attention_drop(const encoder *m, const dropout *drop) {
    return encoder_family_in(&m->c)->drops_attention ? drop : NULL;
}

/* Check the batch against the encoder and cut the workspace for it and M masked positions; first:
 * of the last layer only the first token of each sequence is wanted. */
err forward_begin(encoder_ws *ws, const encoder *m, const batch *b, int M, ws_mode mode, int first);

/* Before forward_run in inference: what is kept of the first layer (first_layer.h) serves b. */
err forward_recall(encoder_ws *ws, const encoder *m, const batch *b);

/* Does layer l compute its output for the first tokens only? */
static inline int forward_first(const encoder_ws *ws, int l) {
    return ws->first && l == ws->c.L - 1;
}

/* The rows behind layer l's attention: the batch itself or its first tokens as sequences of one. */
static inline batch forward_rows(const encoder_ws *ws, const batch *b, int l) {
    if (!forward_first(ws, l))
        return *b;
    return (batch){.B = b->B, .T = b->B, .offsets = ws->ones, .example = b->example};
}

/* The parts of layer l's projections (or of their gradients) in their buffer, see workspace.h. */
static inline attention_qkv forward_parts(const encoder_ws *ws, float *qkv, const batch *b, int l) {
    int H = ws->c.H;
    if (forward_first(ws, l))
        return (attention_qkv){qkv + (size_t)b->T * 2 * (size_t)H, qkv, qkv + H, H, 2 * H};
    return (attention_qkv){qkv, qkv + H, qkv + 2 * H, 3 * H, 3 * H};
}

/* Those of one head of sequence s. */
static inline attention_qkv forward_head(attention_qkv all, const batch *b, const batch *rows,
                                         int s, int head, int D) {
    size_t q = (size_t)rows->offsets[s] * (size_t)all.ld_q + (size_t)(head * D);
    size_t kv = (size_t)b->offsets[s] * (size_t)all.ld + (size_t)(head * D);
    return (attention_qkv){all.q + q, all.k + kv, all.v + kv, all.ld_q, all.ld};
}

/* All layers: ws->hidden. */
void forward_run(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop);

/* h (T, H): the embeddings' output. */
void forward_embed(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop, float *h);

/* The masked-language head up to its decoder, dense, gelu, LayerNorm, on the rows at positions (M):
 * ws->head (M, H). */
void forward_mlm_transform(encoder_ws *ws, const encoder *m, const int32_t *positions, int M);

/* x (T, H) times the embeddings' dropout mask. */
void forward_embedding_mask(encoder_ws *ws, float *x, const batch *b, const dropout *drop);

#endif
