/* encoder_reference.h: the whole encoder in float64, one formula after the other, no buffers
 * shared, nothing fused. For tests: values of the fast encoder, and finite differences of its loss.
 */
#ifndef ESPALIER_MODEL_ENCODER_REFERENCE_H
#define ESPALIER_MODEL_ENCODER_REFERENCE_H

#include "model/encoder.h"

/* Last hidden states h (T, H) with parameters block (n) in m's layout. */
err encoder_reference_forward(double *h, const encoder *m, const double *block, const batch *b,
                              const dropout *drop);

/* logits (B, K) */
err encoder_reference_classify(double *logits, const encoder *m, const double *block,
                               const batch *b, const dropout *drop);

/* Mean loss over the batch's labels / over M masked positions. */
err encoder_reference_classify_loss(double *loss, const encoder *m, const double *block,
                                    const batch *b, const dropout *drop);
err encoder_reference_mlm_loss(double *loss, const encoder *m, const double *block, const batch *b,
                               const int32_t *positions, const int32_t *targets, int M,
                               const dropout *drop);

#endif
