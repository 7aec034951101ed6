/* activation.h: gelu in its erf form, fused with the bias, tanh and ReLU. */
#ifndef ESPALIER_TENSOR_ACTIVATION_H
#define ESPALIER_TENSOR_ACTIVATION_H

#include "tensor/dims.h"

/* g (T, F) = gelu(u + bias) with gelu(x) = x Phi(x), Phi the normal distribution function.
 * slope (T, F) = gelu'(u + bias) for the backward pass, NULL in inference. u, g and slope may be
 * the same except that slope and g must differ. Absolute error of g and slope below 4e-7 * max(1,
 * |x|). */
void gelu_forward(float *g, float *slope, const float *u, const float *bias, int T, int F);

/* du (T, F) = dg * slope in place of dg; dbias (F) += sum of its rows. */
void gelu_backward(float *dg, float *dbias, const float *slope, int T, int F);

/* y (T, n) = tanh(y + bias) in place */
void tanh_forward(float *y, const float *bias, int T, int n);

/* dy (T, n) becomes dy * (1 - y^2); dbias (n) += sum of its rows. */
void tanh_backward(float *dy, float *dbias, const float *y, int T, int n);

/* The same two for ReLU: y = max(y + bias, 0), NaN stays NaN; dy becomes dy where y > 0, else 0. */
void relu_forward(float *y, const float *bias, int T, int n);
void relu_backward(float *dy, float *dbias, const float *y, int T, int n);

#endif
