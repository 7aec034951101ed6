#include "tensor/activation.h"

#include "tensor/gelu.h"

#include <sleef.h>
#include <stddef.h>

/* n <= LANES floats of x + bias through gelu */
LANES_INLINE void gelu_lanes(float *g, float *u, lanes x, int n) {
    lanes y = gelu_of(x);
    if (n == LANES) {
        lanes_store(g, y);
        if (u)
            lanes_store(u, x);
        return;
    }
    lanes_store_part(g, y, n);
    if (u)
        lanes_store_part(u, x, n);
}

void gelu_forward(float *g, float *u, const float *x, const float *bias, int ld, int T, int F) {
    size_t behind = (size_t)T * (size_t)ld; /* what comes next, mostly */
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)ld;
        int j = 0;
        for (; j + LANES <= F; j += LANES) {
            __builtin_prefetch(g + at + behind + j, 1);
            gelu_lanes(g + at + j, u ? u + at + j : NULL,
                       lanes_load(x + at + j) + lanes_load(bias + j), LANES);
        }
        if (j < F)
            gelu_lanes(g + at + j, u ? u + at + j : NULL,
                       lanes_load_part(x + at + j, F - j) + lanes_load_part(bias + j, F - j),
                       F - j);
    }
}

/* a column of LANES from top to bottom; returns the sum of its new d */
LANES_INLINE lanes gelu_backward_column(float *d, float *u, size_t ld, int T, int n) {
    lanes sum = {0};
    size_t behind = (size_t)T * ld; /* what comes next, mostly */
    for (int t = 0; t < T; t++, d += ld, u += ld) {
        __builtin_prefetch(u + behind, 1);
        lanes x = n == LANES ? lanes_load(u) : lanes_load_part(u, n), slope;
        lanes y = n == LANES ? lanes_load(d) : lanes_load_part(d, n);
        lanes g = gelu_and_slope(x, &slope);
        y *= slope;
        sum += y;
        if (n == LANES) {
            lanes_store(d, y);
            lanes_store(u, g);
        } else {
            lanes_store_part(d, y, n);
            lanes_store_part(u, g, n);
        }
    }
    return sum;
}

void gelu_backward(float *d, float *u, float *dbias, int ld, int T, int F) {
    int j = 0;
    for (; j + LANES <= F; j += LANES) {
        lanes sum = gelu_backward_column(d + j, u + j, (size_t)ld, T, LANES);
        lanes_store(dbias + j, lanes_load(dbias + j) + sum);
    }
    if (j < F) {
        lanes sum = gelu_backward_column(d + j, u + j, (size_t)ld, T, F - j);
        lanes_store_part(dbias + j, lanes_load_part(dbias + j, F - j) + sum, F - j);
    }
}

/* at most 1 ulp */
LANES_INLINE lanes lanes_tanh(lanes x) {
#if LANES == 16
    return (lanes)Sleef_tanhf16_u10((__m512)x);
#elif LANES == 8
    return (lanes)Sleef_tanhf8_u10((__m256)x);
#else
    for (int i = 0; i < LANES; i++)
        x[i] = Sleef_tanhf_u10(x[i]);
    return x;
#endif
}

void tanh_forward(float *y, const float *bias, int T, int n) {
    for (int t = 0; t < T; t++, y += n) {
        int j = 0;
        for (; j + LANES <= n; j += LANES)
            lanes_store(y + j, lanes_tanh(lanes_load(y + j) + lanes_load(bias + j)));
        if (j < n)
            lanes_store_part(
                y + j, lanes_tanh(lanes_load_part(y + j, n - j) + lanes_load_part(bias + j, n - j)),
                n - j);
    }
}

void tanh_backward(float *dy, float *dbias, const float *y, int T, int n) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)n;
        for (int j = 0; j < n; j++) {
            size_t i = at + (size_t)j;
            dy[i] *= 1.0f - y[i] * y[i];
            dbias[j] += dy[i];
        }
    }
}

void relu_forward(float *y, const float *bias, int T, int n) {
    for (int t = 0; t < T; t++)
        for (int j = 0; j < n; j++) {
            float *v = y + (size_t)t * (size_t)n + (size_t)j;
            *v += bias[j];
            *v = *v < 0.0f ? 0.0f : *v;
        }
}

void relu_backward(float *dy, float *dbias, const float *y, int T, int n) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)n;
        for (int j = 0; j < n; j++) {
            size_t i = at + (size_t)j;
            dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
            dbias[j] += dy[i];
        }
    }
}
