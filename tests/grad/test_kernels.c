/* Every backward kernel against central differences of its float64 reference. */
#include "grad/difference.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/loss.h"
#include "tensor/norm.h"
#include "tensor/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* float32 kernels, sums of fewer than 100 terms: observed below 1e-6, see difference.h */
static const double TOLERANCE = 5e-6;

enum { MAX = 4096 };

/* the inputs of a kernel one after the other, and the gradient that comes in from above */
typedef struct point {
    int T, H, F; /* what they mean is each test's own */
    double x[MAX], dy[MAX];
    float xf[MAX], dyf[MAX];
    float g[MAX]; /* the kernel's gradients, laid out like x */
    const float *mask;
    const batch *b;
    const int32_t *target;
} point;

static point *point_make(int T, int H, int F, int n, int n_out) {
    ck_assert(n <= MAX && n_out <= MAX);
    point *p = calloc(1, sizeof *p);
    p->T = T;
    p->H = H;
    p->F = F;
    random_fill(p->x, p->xf, n, 1, 0.1, 1.0);
    random_fill(p->dy, p->dyf, n_out, 2, 0.0, 1.0);
    return p;
}

static double weigh(const point *p, const double *y, int n) {
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += y[i] * p->dy[i];
    return sum;
}

/* 0 or 1 / (1 - p) */
static void fill_mask(float *mask, int n) {
    rng_stream r = rng_open(3, RNG_TEST, 9, 0);
    for (int i = 0; i < n; i++)
        mask[i] = rng_uniform(&r) < 0.3 ? 0.0f : 1.0f / 0.7f;
}

/* --- linear: x (T, H), w (F, H), b (F) --- */

static double linear_objective(const void *state, const double *x) {
    const point *p = state;
    const double *w = x + p->T * p->H, *b = w + p->F * p->H;
    double y[MAX];
    reference_linear(y, x, w, b, p->T, p->F, p->H);
    return weigh(p, y, p->T * p->F);
}

START_TEST(linear) {
    int T = 5, H = 11, F = 7, n = T * H + F * H + F;
    point *p = point_make(T, H, F, n, T * F);
    float *w = p->xf + T * H, *dw = p->g + T * H, *db = dw + F * H;
    linear_backward_input(p->g, p->dyf, w, T, F, H, 0, FLOAT32);
    linear_backward_weight(dw, p->dyf, p->xf, T, F, H, FLOAT32);
    bias_backward(db, p->dyf, T, F);
    ck_assert_double_lt(gradient_error(linear_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}
END_TEST

/* --- LayerNorm: x (T, H), w (H), b (H) --- */

static double norm_objective(const void *state, const double *x) {
    const point *p = state;
    double y[MAX];
    const double *w = x + p->T * p->H;
    reference_norm(y, x, w, w + p->H, 1e-12, p->T, p->H);
    return weigh(p, y, p->T * p->H);
}

START_TEST(norm) {
    int T = 4, H = _i, n = T * H + 2 * H;
    point *p = point_make(T, H, 0, n, T * H);
    float y[MAX], mean[8], rstd[8], *w = p->xf + T * H, *dw = p->g + T * H;
    norm_forward(y, mean, rstd, p->xf, w, w + H, 1e-12f, T, H);
    norm_backward(p->g, dw, dw + H, p->dyf, p->xf, mean, rstd, w, T, H);
    ck_assert_double_lt(gradient_error(norm_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}
END_TEST

/* --- bias, dropout, residual, LayerNorm: x (T, H), residual (T, H), bias (H), w (H), b (H) --- */

static double residual_objective(const void *state, const double *x) {
    const point *p = state;
    int T = p->T, H = p->H;
    double y[MAX] = {0};
    const double *residual = x + T * H, *bias = residual + T * H, *w = bias + H;
    for (int i = 0; i < T * H; i++)
        y[i] = residual[i] + (p->mask ? (double)p->mask[i] : 1.0) * (x[i] + bias[i % H]);
    reference_norm(y, y, w, w + H, 1e-12, T, H);
    return weigh(p, y, T * H);
}

static void residual_norm_check(int H, const float *mask) {
    int T = 3, n = 2 * T * H + 3 * H;
    point *p = point_make(T, H, 0, n, T * H);
    p->mask = mask;
    float x[MAX], y[MAX], mean[8], rstd[8];
    float *residual = p->xf + T * H, *bias = residual + T * H, *w = bias + H;
    float *dresidual = p->g + T * H, *dbias = dresidual + T * H, *dw = dbias + H;
    memcpy(x, p->xf, sizeof x);
    residual_norm_forward(y, x, mean, rstd, residual, bias, mask, w, w + H, 1e-12f, T, H);
    /* in place of dy, as the encoder calls it */
    memcpy(dresidual, p->dyf, (size_t)(T * H) * sizeof *dresidual);
    residual_norm_backward(dresidual, p->g, dbias, dw, dw + H, dresidual, x, mean, rstd, mask, w, T,
                           H);
    ck_assert_double_lt(gradient_error(residual_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}

START_TEST(residual_norm) {
    float mask[MAX];
    fill_mask(mask, MAX);
    residual_norm_check(_i, NULL);
    residual_norm_check(_i, mask);
}
END_TEST

/* --- activations with bias: u (T, F), bias (F) --- */

static double gelu_objective(const void *state, const double *x) {
    const point *p = state;
    double y[MAX];
    for (int i = 0; i < p->T * p->F; i++)
        y[i] = reference_gelu(x[i] + x[p->T * p->F + i % p->F]);
    return weigh(p, y, p->T * p->F);
}

START_TEST(gelu) {
    int T = 6, F = 37, n = T * F + F;
    point *p = point_make(T, 0, F, n, T * F);
    float y[MAX], u[MAX];
    gelu_forward(y, u, p->xf, p->xf + T * F, F, T, F);
    memcpy(p->g, p->dyf, (size_t)(T * F) * sizeof *p->g);
    gelu_backward(p->g, u, p->g + T * F, F, T, F);
    ck_assert_mem_eq(u, y, (size_t)(T * F) * sizeof *u);
    ck_assert_double_lt(gradient_error(gelu_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}
END_TEST

static double tanh_objective(const void *state, const double *x) {
    const point *p = state;
    double y[MAX];
    for (int i = 0; i < p->T * p->F; i++)
        y[i] = tanh(x[i] + x[p->T * p->F + i % p->F]);
    return weigh(p, y, p->T * p->F);
}

START_TEST(pooler_tanh) {
    int T = 6, F = 10, n = T * F + F;
    point *p = point_make(T, 0, F, n, T * F);
    float y[MAX];
    memcpy(y, p->xf, sizeof y);
    tanh_forward(y, p->xf + T * F, T, F);
    memcpy(p->g, p->dyf, (size_t)(T * F) * sizeof *p->g);
    tanh_backward(p->g, p->g + T * F, y, T, F);
    ck_assert_double_lt(gradient_error(tanh_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}
END_TEST

/* --- attention: qkv (S, 3D) --- */

static double attention_objective(const void *state, const double *x) {
    const point *p = state;
    int S = p->T, D = p->H;
    double y[MAX];
    reference_attention(y, D, x, x + D, x + 2 * D, 3 * D, p->mask, S, D);
    return weigh(p, y, S * D);
}

static void attention_check(int S, int D, const float *mask) {
    int n = 3 * S * D;
    point *p = point_make(S, D, 0, n, S * D);
    p->mask = mask;
    float y[MAX], probs[MAX], dprobs[MAX], dropped[MAX], *x = p->xf, *g = p->g;
    attention_qkv in = {x, x + D, x + 2 * D, 3 * D, 3 * D}, d = {g, g + D, g + 2 * D, 3 * D, 3 * D};
    attention_forward(y, D, probs, dropped, in, mask, S, S, D);
    attention_backward(d, p->dyf, D, dprobs, dropped, probs, in, mask, S, S, D);
    ck_assert_double_lt(gradient_error(attention_objective, p, p->x, p->g, n), TOLERANCE);
    free(p);
}

START_TEST(attention) {
    float mask[MAX];
    fill_mask(mask, MAX);
    attention_check(_i, 8, NULL);
    attention_check(_i, 8, mask);
    attention_check(_i, 6, mask);
    attention_check(_i, 16, mask);
}
END_TEST

/* --- cross-entropy: logits (T, F) --- */

static double loss_objective(const void *state, const double *x) {
    const point *p = state;
    return 0.25 * reference_cross_entropy(x, p->target, p->T, p->F);
}

START_TEST(loss) {
    int T = 4, F = _i;
    point *p = point_make(T, 0, F, T * F, 0);
    int32_t target[] = {0, F - 1, F / 2, 1 % F};
    p->target = target;
    memcpy(p->g, p->xf, sizeof p->g);
    double sum = cross_entropy(p->g, NULL, target, 0.0f, 0.25f, T, F);
    ck_assert_double_lt(gradient_error(loss_objective, p, p->x, p->g, T * F), TOLERANCE);
    ck_assert_double_eq_tol(sum, 4.0 * loss_objective(p, p->x), 1e-5);
    free(p);
}
END_TEST

/* --- embeddings: word (7, H), pos (4, H), type (2, H) --- */

static double embedding_objective(const void *state, const double *x) {
    const point *p = state;
    int H = p->H;
    double y[MAX];
    reference_embedding(y, p->b, x, x + 7 * H, x + 11 * H, H);
    return weigh(p, y, p->b->T * H);
}

START_TEST(embedding) {
    enum { H = 5 };
    const int32_t ids[] = {3, 1, 3, 6, 3, 0}, types[] = {0, 1, 1, 0, 0, 1}, offsets[] = {0, 4, 6};
    batch b = {.B = 2, .T = 6, .ids = ids, .types = types, .offsets = offsets};
    point *p = point_make(6, H, 0, 13 * H, 6 * H);
    p->b = &b;
    embedding_backward(p->g, p->g + 7 * H, p->g + 11 * H, p->dyf, &b, H);
    ck_assert_double_lt(gradient_error(embedding_objective, p, p->x, p->g, 13 * H), TOLERANCE);
    free(p);
}
END_TEST

/* gradients are added to what is there: twice the call, twice the gradient */
START_TEST(accumulates) {
    int T = 5, H = 9, F = 4;
    point *p = point_make(T, H, F, T * H + F * H, T * F);
    float *w = p->xf + T * H, once[MAX];
    for (int turn = 1; turn <= 2; turn++) {
        linear_backward_input(p->g, p->dyf, w, T, F, H, 1, FLOAT32);
        linear_backward_weight(p->g + T * H, p->dyf, p->xf, T, F, H, FLOAT32);
        bias_backward(p->g + T * H + F * H, p->dyf, T, F);
        if (turn == 1)
            memcpy(once, p->g, sizeof once);
    }
    for (int i = 0; i < T * H + F * H + F; i++)
        ck_assert_float_eq_tol(p->g[i], 2.0f * once[i], 1e-5f);
    free(p);
}
END_TEST

int main(void) {
    Suite *s = suite_create("backward kernels");
    TCase *c = tcase_create("differences");
    tcase_add_test(c, linear);
    tcase_add_loop_test(c, norm, 2, 20);
    tcase_add_loop_test(c, residual_norm, 15, 34);
    tcase_add_test(c, gelu);
    tcase_add_test(c, pooler_tanh);
    tcase_add_loop_test(c, attention, 1, 20);
    tcase_add_loop_test(c, loss, 2, 40);
    tcase_add_test(c, embedding);
    tcase_add_test(c, accumulates);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
