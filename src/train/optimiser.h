/* optimiser.h: AdamW over a flat block (arXiv 1711.05101; bias correction, decay only where the
 * parameter table says so) and the learning-rate schedule. Not collective. */
#ifndef ESPALIER_TRAIN_OPTIMISER_H
#define ESPALIER_TRAIN_OPTIMISER_H

#include "model/encoder.h"

typedef struct adamw {
    double beta1, beta2, epsilon, weight_decay;
    int64_t step;
    float *m, *v; /* (n) moments, owned */
    size_t n;
    encoder_array *arrays;
    int n_arrays;
} adamw;

err adamw_create(const encoder_config *c, double weight_decay, adamw **out);
void adamw_destroy(adamw **o);
/* One step: block (n) is updated from grads (n) times scale (from clipping). */
void adamw_step(adamw *o, float *block, const float *grads, double learning_rate, double scale);

/* Euclidean norm in float64, fixed order; NaN if any entry is NaN. */
double gradient_norm(const float *grads, size_t n);
/* Factor that brings norm to at most clip (torch.nn.utils.clip_grad_norm_: clip / (norm + 1e-6)).
 */
double clip_scale(double norm, double clip);
/* Linear warm-up over warmup * steps, then linear decay to 0; step counts from 0. */
double schedule_linear(int64_t step, int64_t steps, double warmup, double peak);

#endif
