/* reference.h: the slow, obvious kernels in float64, one loop for one formula. The fast kernels are
 * tested against them, and finite differences of them against the backward kernels. */
#ifndef ESPALIER_TENSOR_REFERENCE_H
#define ESPALIER_TENSOR_REFERENCE_H

#include "tensor/dims.h"

/* y (T, out) = x (T, in) w^T + b; b NULL: none */
void reference_linear(double *y, const double *x, const double *w, const double *b, int T, int out,
                      int in);

/* y (T, H) = w (x - mean) / sqrt(variance + eps) + b; y may be x */
void reference_norm(double *y, const double *x, const double *w, const double *b, double eps, int T,
                    int H);

double reference_gelu(double x);       /* x Phi(x) */
double reference_gelu_slope(double x); /* Phi(x) + x phi(x) */

void reference_softmax(double *x, int n); /* in place */

/* One head: context (S, D) of q, k, v (S, D), leading dimensions ld_context and ld; mask (S, S) on
 * the probabilities, NULL: none. */
void reference_attention(double *context, int ld_context, const double *q, const double *k,
                         const double *v, int ld, const float *mask, int S, int D);

/* sum of -log softmax(logits)[target] over n rows of width */
double reference_cross_entropy(const double *logits, const int32_t *target, int n, int width);

/* x (T, H) = word[id] + pos[place] + type[type]; type NULL: without */
void reference_embedding(double *x, const batch *b, const double *word, const double *pos,
                         const double *type, int H);

#endif
