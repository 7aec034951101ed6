/* linear.h: y = x W^T + b and its gradients, each one product (gemm.h) with what follows fused into
 * its tail. precision p is that of the product's operands; everything else is float32. Nothing here
 * allocates, nothing is collective. */
#ifndef ESPALIER_TENSOR_LINEAR_H
#define ESPALIER_TENSOR_LINEAR_H

#include "tensor/dims.h"
#include "tensor/gemm.h"

/* y (T, out) = x (T, in) w^T + b, w (out, in), b (out); b NULL: none. Overwrites y. */
void linear_forward(float *y, const float *x, const float *w, const float *b, int T, int out,
                    int in, precision p);

/* g (T, F) = gelu(x w^T + b), w (F, in). u (T, F) receives x w^T + b, which the backward pass
 * needs; NULL in inference. */
void linear_gelu_forward(float *g, float *u, const float *x, const float *w, const float *b, int T,
                         int F, int in, precision p);

/* dx (T, in) = dy (T, out) w; add: dx += */
void linear_backward_input(float *dx, const float *dy, const float *w, int T, int out, int in,
                           int add, precision p);

/* Back through a linear that read g = gelu(u) (T, F): du (T, F) = (dy (T, out) w) gelu'(u), w (out,
 * F); dbias (F) += sum of its rows; u is replaced by g, which the gradient of w needs and the
 * forward pass did not keep. */
void linear_gelu_backward(float *du, float *u, float *dbias, const float *dy, const float *w, int T,
                          int out, int F, precision p);

/* dw (out, in) += dy^T x */
void linear_backward_weight(float *dw, const float *dy, const float *x, int T, int out, int in,
                            precision p);

/* db (n) += sum of the rows of dy (T, n), top to bottom */
void bias_backward(float *db, const float *dy, int T, int n);

#endif
