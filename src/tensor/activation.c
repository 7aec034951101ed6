#include "tensor/activation.h"

#include "tensor/lanes.h"

#include <math.h>
#include <stddef.h>

/* Phi(x) and its density from one exponential. For a = |x|, Phi(-a) = exp(-a^2 / 2) M(a), where M
 * is Mills' ratio over sqrt(2 pi); M(a) = t P(t) with t = 1 / (1 + 0.24 a), P the degree-9
 * Chebyshev interpolant on 0 <= a <= 14 (relative error 4e-9; computed from erfc in extended
 * precision). */
LANES_INLINE void normal(lanes *cdf, lanes *density, lanes x) {
    lanes a = (lanes)((lanes_int)x & 0x7fffffff);
    lanes t = 1.0f / lanes_fma(a, lanes_set(0.24f), lanes_set(1.0f));
    lanes e = lanes_exp(x * x * -0.5f);
    lanes p = lanes_set(2.5598603423e-02f);
    p = lanes_fma(p, t, lanes_set(-1.2507567516e-01f));
    p = lanes_fma(p, t, lanes_set(2.0662138000e-01f));
    p = lanes_fma(p, t, lanes_set(-1.4594757874e-01f));
    p = lanes_fma(p, t, lanes_set(1.4297962717e-01f));
    p = lanes_fma(p, t, lanes_set(2.7260534339e-02f));
    p = lanes_fma(p, t, lanes_set(8.8097518190e-02f));
    p = lanes_fma(p, t, lanes_set(8.8856753035e-02f));
    p = lanes_fma(p, t, lanes_set(9.5867321875e-02f));
    p = lanes_fma(p, t, lanes_set(9.5741517294e-02f));
    lanes tail = e * p * t;
    *cdf = lanes_select(x < 0.0f, tail, 1.0f - tail);
    *density = e * 0.3989422804f; /* 1 / sqrt(2 pi) */
}

void gelu_forward(float *g, float *slope, const float *u, const float *bias, int T, int F) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)F;
        for (int j = 0; j < F; j += LANES) {
            int n = F - j < LANES ? F - j : LANES;
            lanes x, cdf, density;
            if (n == LANES)
                x = lanes_load(u + at + j) + lanes_load(bias + j);
            else
                x = lanes_load_part(u + at + j, n) + lanes_load_part(bias + j, n);
            normal(&cdf, &density, x);
            lanes y = x * cdf, dy = lanes_fma(x, density, cdf);
            if (n == LANES) {
                lanes_store(g + at + j, y);
                if (slope)
                    lanes_store(slope + at + j, dy);
            } else {
                lanes_store_part(g + at + j, y, n);
                if (slope)
                    lanes_store_part(slope + at + j, dy, n);
            }
        }
    }
}

void gelu_backward(float *dg, float *dbias, const float *slope, int T, int F) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)F;
        float *restrict row = dg + at;
        for (int j = 0; j < F; j++)
            row[j] *= slope[at + (size_t)j];
        for (int j = 0; j < F; j++)
            dbias[j] += row[j];
    }
}

void tanh_forward(float *y, const float *bias, int T, int n) {
    for (int t = 0; t < T; t++)
        for (int j = 0; j < n; j++) {
            float *v = y + (size_t)t * (size_t)n + (size_t)j;
            *v = tanhf(*v + bias[j]);
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
