/* loss.h: cross-entropy of a softmax, -log softmax(logits)[target]. */
#ifndef ESPALIER_TENSOR_LOSS_H
#define ESPALIER_TENSOR_LOSS_H

#include "tensor/dims.h"

/* logits (n, width) are replaced by weight * (softmax - onehot(target)), the gradient of weight
 * times the sum of the losses. bias (width) is added to the logits first; NULL: none. Returns the
 * sum of the losses in float64, NaN when a logit is NaN or +infinity. */
double cross_entropy(float *logits, const float *bias, const int32_t *target, float weight, int n,
                     int width);

#endif
