/* first_layer_use.h: first_layer.h as the forward pass sees it. Private to model. */
#ifndef ESPALIER_MODEL_FIRST_LAYER_USE_H
#define ESPALIER_MODEL_FIRST_LAYER_USE_H

#include "model/first_layer.h"

/* Find the tokens of b, which check_batch has seen, and give rows to those that are new. *serves:
 * first_layer_qkv will know them all, and must be called before the next look. */
err first_layer_look(first_layer *f, const encoder *m, const batch *b, int *serves);

/* qkv (T, 3H) of the batch that was looked at, from its embeddings' output h (T, H); ws: that
 * looked.
 */
void first_layer_qkv(first_layer *f, encoder_ws *ws, float *qkv, const float *h, int T);

#endif
