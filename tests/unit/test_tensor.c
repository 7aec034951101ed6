/* Forward kernels against their float64 references, ragged sizes, and the handling of NaN. */
#include "base/rng.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/blas.h"
#include "tensor/lanes.h"
#include "tensor/linear.h"
#include "tensor/loss.h"
#include "tensor/norm.h"
#include "tensor/reference.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 8192 };

static double x[MAX], y[MAX];
static float xf[MAX], yf[MAX];

static void fill(int n, uint32_t stream, double scale) {
    rng_stream r = rng_open(11, RNG_TEST, stream, 0);
    ck_assert_int_le(n, MAX);
    for (int i = 0; i < n; i++) {
        xf[i] = (float)(scale * rng_normal(&r));
        x[i] = (double)xf[i];
    }
}

/* largest |yf - y| over the largest |y| */
static double error(int n) {
    double gap = 0.0, size = 0.0;
    for (int i = 0; i < n; i++) {
        gap = fmax(gap, fabs((double)yf[i] - y[i]));
        size = fmax(size, fabs(y[i]));
    }
    return gap / size;
}

/* exp in lanes: within 1.5 ulp = 1.8e-7 relative, over the whole range of float32 */
START_TEST(exponential) {
    for (double at = -87.0; at < 88.7; at += 0.0037) {
        float in = (float)at;
        lanes e = lanes_exp(lanes_set(in));
        double want = exp((double)in);
        ck_assert_double_le(fabs((double)e[LANES - 1] - want) / want, 1.8e-7);
    }
    ck_assert_float_eq(lanes_exp(lanes_set(0.0f))[0], 1.0f);
    ck_assert_float_eq(lanes_exp(lanes_set(-100.0f))[0], 0.0f);
    ck_assert_float_eq(lanes_exp(lanes_set(-INFINITY))[0], 0.0f);
    ck_assert_float_infinite(lanes_exp(lanes_set(89.0f))[0]);
    ck_assert_float_nan(lanes_exp(lanes_set(NAN))[0]);
}
END_TEST

/* gelu and its slope: absolute error below 4e-7 max(1, |x|), one input at a time and in rows */
START_TEST(gelu) {
    float bias[1] = {0}, g, u, dbias;
    for (double at = -16.0; at < 16.0; at += 0.00131) {
        float in = (float)at;
        gelu_forward(&g, &u, &in, bias, 1, 1, 1);
        float slope = 1.0f, forward = g;
        gelu_backward(&slope, &u, &dbias, 1, 1, 1);
        ck_assert_float_eq(u, forward);
        double room = 4e-7 * fmax(1.0, fabs(at));
        ck_assert_double_le(fabs((double)g - reference_gelu((double)in)), room);
        ck_assert_double_le(fabs((double)slope - reference_gelu_slope((double)in)), room);
    }
    float in = NAN;
    gelu_forward(&g, NULL, &in, bias, 1, 1, 1);
    ck_assert_float_nan(g);
}
END_TEST

START_TEST(gelu_rows) {
    int T = 3, F = _i, n = T * F;
    fill(n + F, 1, 2.0);
    for (int i = 0; i < n; i++)
        y[i] = reference_gelu(x[i] + x[n + i % F]);
    gelu_forward(yf, NULL, xf, xf + n, F, T, F);
    ck_assert_double_le(error(n), 1e-6);
}
END_TEST

/* LayerNorm: a float32 mean and variance of up to 100 terms; observed below 5e-7 */
START_TEST(norm) {
    int T = 3, H = _i, n = T * H;
    fill(n + 2 * H, 2, 1.0);
    for (int i = 0; i < n; i++) /* a mean that is large against the deviation */
        x[i] = (double)(xf[i] += 4.0f);
    reference_norm(y, x, x + n, x + n + H, 1e-12, T, H);
    norm_forward(yf, NULL, NULL, xf, xf + n, xf + n + H, 1e-12f, T, H);
    ck_assert_double_le(error(n), 5e-6);
}
END_TEST

START_TEST(residual_norm) {
    int T = 2, H = _i, n = T * H;
    fill(3 * n + 3 * H, 3, 1.0);
    float *residual = xf + n, *mask = xf + 2 * n, *bias = xf + 3 * n, *w = bias + H;
    for (int i = 0; i < n; i++)
        mask[i] = i % 3 == 0 ? 0.0f : 1.5f;
    static double sum[MAX];
    for (int i = 0; i < n; i++)
        sum[i] = x[n + i] + (double)mask[i] * (x[i] + x[3 * n + i % H]);
    reference_norm(y, sum, x + 3 * n + H, x + 3 * n + 2 * H, 1e-12, T, H);
    residual_norm_forward(yf, xf, NULL, NULL, residual, bias, mask, w, w + H, 1e-12f, T, H);
    ck_assert_double_le(error(n), 2e-6);
}
END_TEST

START_TEST(softmax) {
    fill(_i, 4, 10.0);
    memcpy(yf, xf, sizeof yf);
    for (int j = 0; j < _i; j++)
        y[j] = x[j] * 0.25;
    reference_softmax(y, _i);
    softmax_row(yf, 0.25f, _i);
    ck_assert_double_le(error(_i), 1e-6);
    for (int bad = 0; bad < _i; bad++) {
        memcpy(yf, xf, sizeof yf);
        yf[bad] = NAN;
        softmax_row(yf, 0.25f, _i);
        ck_assert_float_nan(yf[0]);
        ck_assert_float_nan(yf[_i - 1]);
    }
}
END_TEST

START_TEST(attention) {
    int S = _i, D = 8, n = 3 * S * D;
    static float probs[MAX], dropped[MAX], mask[MAX];
    fill(n, 5, 1.5);
    for (int i = 0; i < S * S; i++)
        mask[i] = i % 4 == 1 ? 0.0f : 1.25f;
    for (int with = 0; with < 2; with++) {
        const float *k = with ? mask : NULL;
        reference_attention(y, D, x, x + D, x + 2 * D, 3 * D, k, S, D);
        attention_qkv in = {xf, xf + D, xf + 2 * D, 3 * D, 3 * D};
        attention_forward(yf, D, probs, dropped, in, k, S, S, D);
        ck_assert_double_le(error(S * D), 2e-6);
        memset(yf, 0, sizeof yf); /* the first query alone: its row of k comes first too */
        attention_forward(yf, D, probs, dropped, in, k, 1, S, D);
        ck_assert_double_le(error(D), 2e-6);
    }
}
END_TEST

START_TEST(linear) {
    int T = 7, out = _i, in = 2 * _i + 1;
    fill(T * in + out * in + out, 6, 1.0);
    const float *w = xf + T * in, *b = w + out * in;
    reference_linear(y, x, x + T * in, x + T * in + out * in, T, out, in);
    linear_forward(yf, xf, w, b, T, out, in, FLOAT32);
    ck_assert_double_le(error(T * out), 1e-6);
}
END_TEST

/* the loss of a wide row is summed in float64; a non-finite logit is seen */
START_TEST(cross_entropy_loss) {
    int n = 4, width = _i;
    int32_t target[4] = {0, width - 1, width / 2, width / 3};
    fill(n * width, 7, 3.0);
    double want = reference_cross_entropy(x, target, n, width);
    memcpy(yf, xf, sizeof yf);
    ck_assert_double_eq_tol(cross_entropy(yf, NULL, target, 0.0f, 1.0f, n, width), want,
                            2e-6 * want);
    /* smoothed: 0.3 of every label spread over all outcomes */
    double smooth = 0.7 * want, even[MAX];
    for (int k = 0; k < width; k++) {
        int32_t all[4] = {k, k, k, k};
        smooth += 0.3 / width * reference_cross_entropy(x, all, n, width);
    }
    for (int i = 0; i < n; i++) {
        memcpy(even, x + i * width, (size_t)width * sizeof *x);
        reference_softmax(even, width);
        for (int k = 0; k < width; k++)
            y[i * width + k] = 2.0 * (even[k] - 0.3 / width - (k == target[i] ? 0.7 : 0.0));
    }
    memcpy(yf, xf, sizeof yf);
    ck_assert_double_eq_tol(cross_entropy(yf, NULL, target, 0.3f, 2.0f, n, width), smooth,
                            2e-6 * smooth);
    ck_assert_double_le(error(n * width), 2e-6);
    memcpy(yf, xf, sizeof yf);
    yf[width] = NAN;
    ck_assert_double_nan(cross_entropy(yf, NULL, target, 0.0f, 1.0f, n, width));
    memcpy(yf, xf, sizeof yf);
    yf[width] = INFINITY;
    ck_assert_double_nan(cross_entropy(yf, NULL, target, 0.0f, 1.0f, n, width));
}
END_TEST

START_TEST(blas_kernel) {
    const char *old = blas_better_kernel("Prescott"), *middle = blas_better_kernel("Haswell");
    ck_assert_ptr_null(blas_better_kernel("SkylakeX"));
    ck_assert_ptr_null(blas_better_kernel("Cooperlake"));
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    ck_assert_str_eq(old, "SKYLAKEX");
    ck_assert_str_eq(middle, "SKYLAKEX");
#elif defined(__AVX2__) && defined(__FMA__)
    ck_assert_str_eq(old, "HASWELL");
    ck_assert_ptr_null(middle);
#else
    ck_assert_ptr_null(old);
    ck_assert_ptr_null(middle);
#endif
}
END_TEST

int main(void) {
    Suite *s = suite_create("tensor");
    TCase *c = tcase_create("kernels");
    tcase_add_test(c, exponential);
    tcase_add_test(c, gelu);
    tcase_add_loop_test(c, gelu_rows, 1, 40);
    tcase_add_loop_test(c, norm, 2, 50);
    tcase_add_loop_test(c, residual_norm, 2, 50);
    tcase_add_loop_test(c, softmax, 1, 50);
    tcase_add_loop_test(c, attention, 1, 40);
    tcase_add_loop_test(c, linear, 1, 30);
    tcase_add_loop_test(c, cross_entropy_loss, 2, 80);
    tcase_add_test(c, blas_kernel);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
