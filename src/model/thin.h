/* thin.h: an encoder's pruned weights without their zeros (encoder_thin), as the forward pass sees
 * them. Private to model. */
#ifndef ESPALIER_MODEL_THIN_H
#define ESPALIER_MODEL_THIN_H

#include "model/workspace.h"

typedef enum thin_part {
    THIN_QUERY,     /* (H, H) */
    THIN_KEY_VALUE, /* (2H, H) */
    THIN_ATT,       /* (H, H) */
    THIN_INTER,     /* (F, H) */
    THIN_OUT,       /* (H, F) */
    THIN_PARTS
} thin_part;

void thin_destroy(encoder_thinned **t); /* NULL is allowed */

/* Scratch of ws for what m has. Before thin_linear. ERR_FAILED: memory. */
err thin_reserve(encoder_ws *ws, const encoder *m);

/* 1, and y (T, out; rows ld apart) = x (T, in) W^T + b, b NULL: none, if ws infers in float32 and
 * layer l of m has that part without zeros; else 0, and nothing is done. */
int thin_linear(encoder_ws *ws, const encoder *m, int l, thin_part part, float *y, int ld,
                const float *x, const float *b, int T);

/* The same for queries, keys and values side by side: qkv (T, 3H). */
int thin_qkv(encoder_ws *ws, const encoder *m, int l, float *qkv, const float *h, int T);

#endif
