/* activation.h: gelu in its erf form, fused with the bias, tanh and ReLU. */
#ifndef ESPALIER_TENSOR_ACTIVATION_H
#define ESPALIER_TENSOR_ACTIVATION_H

#include "tensor/dims.h"

/* g (T, F) = gelu(x + bias), x (T, F), with gelu(v) = v Phi(v), Phi the normal distribution
 * function; u (T, F) receives x + bias, NULL: not kept. ld: leading dimension of all three, which
 * may be the same arrays except that u and g must differ. Absolute error of g below 4e-7 max(1,
 * |v|). */
void gelu_forward(float *g, float *u, const float *x, const float *bias, int ld, int T, int F);

/* d (T, F), the gradient of g, becomes that of u: d gelu'(u), with the same error; dbias (F) += sum
 * of its rows; u (T, F) becomes gelu(u), the same bits as in the forward pass. ld as above. */
void gelu_backward(float *d, float *u, float *dbias, int ld, int T, int F);

/* y (T, n) = tanh(y + bias) in place, at most 1 ulp (SLEEF) */
void tanh_forward(float *y, const float *bias, int T, int n);

/* dy (T, n) becomes dy * (1 - y^2); dbias (n) += sum of its rows. */
void tanh_backward(float *dy, float *dbias, const float *y, int T, int n);

/* The same two for ReLU: y = max(y + bias, 0), NaN stays NaN; dy becomes dy where y > 0, else 0. */
void relu_forward(float *y, const float *bias, int T, int n);
void relu_backward(float *dy, float *dbias, const float *y, int T, int n);

#endif
