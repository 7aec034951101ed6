/* backward.h: the backward pass as the heads see it. Private to model. */
#ifndef ESPALIER_MODEL_BACKWARD_H
#define ESPALIER_MODEL_BACKWARD_H

#include "model/workspace.h"

/* From the gradient of the last hidden states (ws->dhidden (T, H), or ws->dstart (B, H) where only
 * first tokens were computed) through all layers and the
 * embeddings; adds to the arrays of d and leaves in ws->dhidden the gradient of the embeddings' sum
 * (before their LayerNorm). The forward pass was WS_TRAIN with the same drop. */
void backward_run(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                  encoder_params *d);

#endif
