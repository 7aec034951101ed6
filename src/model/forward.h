/* forward.h: the forward pass as the heads and the backward pass see it. Private to model. */
#ifndef ESPALIER_MODEL_FORWARD_H
#define ESPALIER_MODEL_FORWARD_H

#include "model/workspace.h"

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

/* Check the batch against the encoder and cut the workspace for it and M masked positions. */
err forward_begin(encoder_ws *ws, const encoder *m, const batch *b, int M, ws_mode mode);

/* All layers: ws->hidden. */
void forward_run(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop);

/* h (T, H): the embeddings' output. */
void forward_embed(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop, float *h);

/* x (T, H) times the embeddings' dropout mask. */
void forward_embedding_mask(encoder_ws *ws, float *x, const batch *b, const dropout *drop);

#endif
