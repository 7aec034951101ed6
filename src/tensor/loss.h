/* loss.h: cross-entropy of a softmax, -log softmax(logits)[target]. */
#ifndef ESPALIER_TENSOR_LOSS_H
#define ESPALIER_TENSOR_LOSS_H

#include "tensor/dims.h"

/* logits (n, width) are replaced by the gradient of weight times the sum of the losses, weight *
 * (softmax - y). y is onehot(target), of which the share `smoothing` (0 to 1) is spread evenly over
 * all width outcomes: label smoothing as in torch.nn.CrossEntropyLoss (arXiv 1512.00567, section
 * 7); loss = -sum y log softmax. bias (width) is added to the logits first; NULL: none. Returns the
 * sum of the losses in float64, NaN when a logit is NaN or +infinity. */
double cross_entropy(float *logits, const float *bias, const int32_t *target, float smoothing,
                     float weight, int n, int width);

#endif
