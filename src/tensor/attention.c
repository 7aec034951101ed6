#include "tensor/attention.h"

#include "tensor/gemm.h"
#include "tensor/lanes.h"

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
    if (j < n) {
        lanes_store_part(x + j, lanes_exp((lanes_load_part(x + j, n - j) - max) * scale), n - j);
        sum += lanes_load_part(x + j, n - j);
    }
    lanes inverse = lanes_set(1.0f / lanes_sum(sum));
    for (j = 0; j + LANES <= n; j += LANES)
        lanes_store(x + j, lanes_load(x + j) * inverse);
    if (j < n)
        lanes_store_part(x + j, lanes_load_part(x + j, n - j) * inverse, n - j);
}

static const float *masked(float *restrict dropped, const float *probs, const float *mask,
                           size_t n) {
    if (!mask)
        return probs;
    for (size_t i = 0; i < n; i++)
        dropped[i] = probs[i] * mask[i];
    return dropped;
}

/* c = a b, or with the transposed of one of them, always in float32 */
static void product(float *c, int ldc, gemm_operand a, gemm_operand b, int M, int N, int K) {
    gemm(&(gemm_call){.M = M, .N = N, .K = K, .a = a, .b = b, .c = c, .ldc = ldc});
}

void attention_forward(float *context, int ld_context, float *probs, float *dropped,
                       attention_qkv in, const float *mask, int R, int S, int D) {
    product(probs, S, (gemm_operand){in.q, in.ld_q, 0}, (gemm_operand){in.k, in.ld, 1}, R, S, D);
    float scale = 1.0f / sqrtf((float)D);
    for (int i = 0; i < R; i++)
        softmax_row(probs + (size_t)i * (size_t)S, scale, S);
    const float *p = masked(dropped, probs, mask, (size_t)R * (size_t)S);
    product(context, ld_context, (gemm_operand){p, S, 0}, (gemm_operand){in.v, in.ld, 0}, R, D, S);
}

/* dscores = scale P (dP - sum_j dP_j P_j), row by row, in place of dp */
static void softmax_backward(float *dp, const float *p, float scale, int R, int S) {
    for (int i = 0; i < R; i++) {
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

void attention_backward(attention_qkv d, const float *dcontext, int ld_context, float *dprobs,
                        float *dropped, const float *probs, attention_qkv in, const float *mask,
                        int R, int S, int D) {
    size_t n = (size_t)R * (size_t)S;
    const float *p = masked(dropped, probs, mask, n);
    product(d.v, d.ld, (gemm_operand){p, S, 1}, (gemm_operand){dcontext, ld_context, 0}, S, D, R);
    product(dprobs, S, (gemm_operand){dcontext, ld_context, 0}, (gemm_operand){in.v, in.ld, 1}, R,
            S, D);
    if (mask)
        for (size_t i = 0; i < n; i++)
            dprobs[i] *= mask[i];
    softmax_backward(dprobs, probs, 1.0f / sqrtf((float)D), R, S);
    product(d.q, d.ld_q, (gemm_operand){dprobs, S, 0}, (gemm_operand){in.k, in.ld, 0}, R, D, S);
    product(d.k, d.ld, (gemm_operand){dprobs, S, 1}, (gemm_operand){in.q, in.ld_q, 0}, S, D, R);
}
