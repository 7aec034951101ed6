#include "tensor/attention.h"

#include "tensor/lanes.h"

#include <cblas.h>
#include <math.h>
#include <stddef.h>

void softmax_row(float *x, float scale, int n) {
    float max = lanes_row_max(x, n);
    int j = 0;
    lanes sum = {0};
    for (; j + LANES <= n; j += LANES) {
        lanes e = lanes_exp((lanes_load(x + j) - max) * scale);
        lanes_store(x + j, e);
        sum += e;
    }
    float total = lanes_sum(sum);
    if (j < n) {
        lanes e = lanes_exp((lanes_load_part(x + j, n - j) - max) * scale);
        lanes_store_part(x + j, e, n - j);
        for (; j < n; j++)
            total += x[j];
    }
    float inverse = 1.0f / total;
    for (j = 0; j < n; j++)
        x[j] *= inverse;
}

static const float *masked(float *restrict dropped, const float *probs, const float *mask,
                           size_t n) {
    if (!mask)
        return probs;
    for (size_t i = 0; i < n; i++)
        dropped[i] = probs[i] * mask[i];
    return dropped;
}

void attention_forward(float *context, int ld_context, float *probs, float *dropped, const float *q,
                       const float *k, const float *v, int ld, const float *mask, int S, int D) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, S, S, D, 1.0f, q, ld, k, ld, 0.0f, probs,
                S);
    float scale = 1.0f / sqrtf((float)D);
    for (int i = 0; i < S; i++)
        softmax_row(probs + (size_t)i * (size_t)S, scale, S);
    const float *p = masked(dropped, probs, mask, (size_t)S * (size_t)S);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, S, D, S, 1.0f, p, S, v, ld, 0.0f,
                context, ld_context);
}

/* dscores = scale P (dP - sum_j dP_j P_j), row by row, in place of dp */
static void softmax_backward(float *dp, const float *p, float scale, int S) {
    for (int i = 0; i < S; i++) {
        float *d = dp + (size_t)i * (size_t)S;
        const float *q = p + (size_t)i * (size_t)S;
        lanes sum = {0};
        int j = 0;
        for (; j + LANES <= S; j += LANES)
            sum = lanes_fma(lanes_load(d + j), lanes_load(q + j), sum);
        float dot = lanes_sum(sum);
        for (; j < S; j++)
            dot += d[j] * q[j];
        for (j = 0; j < S; j++)
            d[j] = (d[j] - dot) * q[j] * scale;
    }
}

void attention_backward(float *dq, float *dk, float *dv, const float *dcontext, int ld_context,
                        float *dprobs, float *dropped, const float *probs, const float *q,
                        const float *k, const float *v, int ld, const float *mask, int S, int D) {
    size_t n = (size_t)S * (size_t)S;
    const float *p = masked(dropped, probs, mask, n);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, S, D, S, 1.0f, p, S, dcontext, ld_context,
                0.0f, dv, ld);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, S, S, D, 1.0f, dcontext, ld_context, v, ld,
                0.0f, dprobs, S);
    if (mask)
        for (size_t i = 0; i < n; i++)
            dprobs[i] *= mask[i];
    softmax_backward(dprobs, probs, 1.0f / sqrtf((float)D), S);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, S, D, S, 1.0f, dprobs, S, k, ld, 0.0f,
                dq, ld);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, S, D, S, 1.0f, dprobs, S, q, ld, 0.0f, dk,
                ld);
}
