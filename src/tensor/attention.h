/* attention.h: one head of one sequence, over its real tokens only.
 *
 *   P = softmax(q k^T / sqrt(D)),  context = (mask * P) v
 *
 * q (R, D) are the first R queries of the sequence (leading dimension ld_q), k and v (S, D) with
 * leading dimension ld; S is the length of the sequence. mask (R, S) holds 0 or 1 / (1 - p); NULL:
 * no dropout. */
#ifndef ESPALIER_TENSOR_ATTENTION_H
#define ESPALIER_TENSOR_ATTENTION_H

#include "tensor/dims.h"

/* the three projections of a sequence, or their gradients */
typedef struct attention_qkv {
    float *q, *k, *v;
    int ld_q, ld;
} attention_qkv;

/* context (R, D) with leading dimension ld_context; probs (R, S) receives P (before dropout), which
 * the backward pass needs; dropped (R, S) is scratch, used only with a mask. */
void attention_forward(float *context, int ld_context, float *probs, float *dropped,
                       attention_qkv in, const float *mask, int R, int S, int D);

/* From dcontext (R, D): d.q (R, D), d.k, d.v (S, D) are overwritten. dprobs, dropped (R, S):
 * scratch. */
void attention_backward(attention_qkv d, const float *dcontext, int ld_context, float *dprobs,
                        float *dropped, const float *probs, attention_qkv in, const float *mask,
                        int R, int S, int D);

/* x (n) = softmax(x scale) in place: the largest entry is taken off first. A row that holds NaN or
 * +infinity becomes NaN. */
void softmax_row(float *x, float scale, int n);

#endif
