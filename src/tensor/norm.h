/* norm.h: LayerNorm over rows, alone and fused with bias, dropout and the residual (the post-norm
 * blocks of BERT). Mean and variance are float32 sums in fixed lanes, two passes over a row in
 * cache. */
#ifndef ESPALIER_TENSOR_NORM_H
#define ESPALIER_TENSOR_NORM_H

#include "tensor/dims.h"

/* y (T, H) = w (x - mean) rstd + b with rstd = 1 / sqrt(variance + eps). mean and rstd (T) are kept
 * for the backward pass; both NULL in inference. y may be x. */
void norm_forward(float *y, float *mean, float *rstd, const float *x, const float *w,
                  const float *b, float eps, int T, int H);

/* From dy (T, H): dx (T, H) is overwritten, dw (H) and db (H) are added to. dx may be dy. */
void norm_backward(float *dx, float *dw, float *db, const float *dy, const float *x,
                   const float *mean, const float *rstd, const float *w, int T, int H);

/* x (T, H) becomes residual + mask * (x + bias); then y = norm(x) as above. mask (T, H) holds 0 or
 * 1 / (1 - p), NULL: no dropout. y may be residual, not x. */
void residual_norm_forward(float *y, float *x, float *mean, float *rstd, const float *residual,
                           const float *bias, const float *mask, const float *w, const float *b,
                           float eps, int T, int H);

/* From dy (T, H): dresidual (T, H) and dx (T, H) (with the mask in it) are overwritten; dbias, dw,
 * db (H) are added to. dresidual may be dy. */
void residual_norm_backward(float *dresidual, float *dx, float *dbias, float *dw, float *db,
                            const float *dy, const float *x, const float *mean, const float *rstd,
                            const float *mask, const float *w, int T, int H);

#endif
