/* linear.h: y = x W^T in OpenBLAS. Biases are added by the fused pass that follows each GEMM.
 * Nothing here allocates, nothing is collective. */
#ifndef ESPALIER_TENSOR_LINEAR_H
#define ESPALIER_TENSOR_LINEAR_H

#include "tensor/dims.h"

/* y (T, out) = x (T, in) w^T, w (out, in). Overwrites y. */
void linear_forward(float *y, const float *x, const float *w, int T, int out, int in);

/* dx (T, in) += dy (T, out) w */
void linear_backward_input(float *dx, const float *dy, const float *w, int T, int out, int in);

/* dw (out, in) += dy^T x */
void linear_backward_weight(float *dw, const float *dy, const float *x, int T, int out, int in);

/* y (T, n) += b (n) in every row */
void bias_forward(float *y, const float *b, int T, int n);

/* db (n) += sum of the rows of dy (T, n), top to bottom */
void bias_backward(float *db, const float *dy, int T, int n);

#endif
