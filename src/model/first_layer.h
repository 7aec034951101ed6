/* first_layer.h: queries, keys and values of the first layer, kept by token.
 *
 * They are functions of a token's id, type and position alone. Texts that differ in a word or two,
 * as those of an attack do, share nearly all of them: the product with the first layer's (3H, H)
 * weights, 3 of the 12 H^2 multiply-adds of a layer and token, is then made for the other tokens
 * only. Results have the same bits with and without it; that wants a GEMM whose rows do not depend
 * on each other (gemm_rows_independent), without which nothing is kept. Not collective. */
#ifndef ESPALIER_MODEL_FIRST_LAYER_H
#define ESPALIER_MODEL_FIRST_LAYER_H

#include "model/encoder.h"

typedef struct first_layer first_layer;

/* Room that serves an attack: of 10,000 tokens at 4 x 256, 3,600 at 12 x 768. */
enum { FIRST_LAYER_BYTES = 32 << 20 };

/* In at most `bytes`, which are taken as they are needed; where they are full, all is forgotten and
 * begun anew. Caller destroys. */
err first_layer_create(size_t bytes, first_layer **out);
void first_layer_destroy(first_layer **f); /* NULL is allowed */

/* From now on, until it is told NULL, a workspace takes what it can from f in inference with m: any
 * batch without a delta; an encoder of one layer only where all hidden states are wanted. Nothing
 * is kept from before. m's weights must not change meanwhile. f NULL: everything is computed. */
void encoder_ws_remember(encoder_ws *ws, first_layer *f, const encoder *m);

#endif
