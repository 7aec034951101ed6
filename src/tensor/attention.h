/* attention.h: one head of one sequence, over its real tokens only.
 *
 *   P = softmax(q k^T / sqrt(D)),  context = (mask * P) v
 *
 * q, k, v are (S, D) with leading dimension ld (3H: views into the packed projections); S is the
 * length of the sequence. mask (S, S) holds 0 or 1 / (1 - p); NULL: no dropout. */
#ifndef ESPALIER_TENSOR_ATTENTION_H
#define ESPALIER_TENSOR_ATTENTION_H

#include "tensor/dims.h"

/* context (S, D) with leading dimension ld_context; probs (S, S) receives P (before dropout), which
 * the backward pass needs; dropped (S, S) is scratch, used only with a mask. */
void attention_forward(float *context, int ld_context, float *probs, float *dropped, const float *q,
                       const float *k, const float *v, int ld, const float *mask, int S, int D);

/* From dcontext (S, D): dq, dk, dv (S, D) with leading dimension ld are overwritten.
 * dprobs, dropped (S, S): scratch. */
void attention_backward(float *dq, float *dk, float *dv, const float *dcontext, int ld_context,
                        float *dprobs, float *dropped, const float *probs, const float *q,
                        const float *k, const float *v, int ld, const float *mask, int S, int D);

/* x (n) = softmax(x scale) in place: the largest entry is taken off first. A row that holds NaN or
 * +infinity becomes NaN. */
void softmax_row(float *x, float scale, int n);

#endif
