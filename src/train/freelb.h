/* freelb.h: adversarial training on the word embeddings (FreeLB, arXiv 1909.11764, with the norm
 * taken per token as in arXiv 2310.13191).
 *
 * delta = 0; K times: the gradient of the loss at embeddings + delta, divided by K, is added to the
 * parameters' gradient, and delta += rate g / |g|, g the loss's gradient by delta, |g| the L2 norm
 * of each token's row (a row of zeros stays); a row beyond `bound` is scaled back to it. The
 * dropout masks are those of the step throughout (section 3.3 of the paper). Not collective. */
#ifndef ESPALIER_TRAIN_FREELB_H
#define ESPALIER_TRAIN_FREELB_H

#include "model/encoder.h"

typedef struct freelb {
    int steps;          /* K; 0: none of this, an ordinary step */
    double rate, bound; /* bound 0: none */
    float *delta;       // (T, H) of the largest batch so far, owned; see freelb_free
    size_t floats;
} freelb;

void freelb_free(freelb *f);

/* encoder_classify_step, K times as above: adds to grads; loss: the mean of the passes' sums. */
err freelb_step(freelb *f, encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                float weight, float *grads, double *loss);

/* One ascent of delta (T, H) along g (T, H). */
void freelb_ascend(float *delta, const float *g, int T, int H, double rate, double bound);

#endif
