/* AdamW against a float64 one, the clipping rule, the schedule. */
#include "base/arena.h"
#include "base/rng.h"
#include "train/optimiser.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { ARRAYS = 64 };

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static const encoder_config c = {.V = 7, .H = 6, .L = 1, .A = 2, .F = 9, .P = 5, .Y = 2, .K = 2};

/* straight from arXiv 1711.05101, algorithm 2, with the schedule in the rate */
static void reference_step(double *p, double *m, double *v, const float *g, size_t n, int t,
                           double rate, double scale, double decay) {
    for (size_t i = 0; i < n; i++) {
        double x = (double)g[i] * scale;
        m[i] = 0.9 * m[i] + 0.1 * x;
        v[i] = 0.999 * v[i] + 0.001 * x * x;
        double mhat = m[i] / (1.0 - pow(0.9, t)), vhat = v[i] / (1.0 - pow(0.999, t));
        p[i] = p[i] - rate * decay * p[i] - rate * mhat / (sqrt(vhat) + 1e-8);
    }
}

/* float32 moments and parameters, 20 steps of one to two roundings each: below 20 ulp */
START_TEST(adamw_is_reference) {
    size_t n = encoder_count(&c);
    adamw *o;
    float *p, *g;
    double *x, *m, *v;
    encoder_array a[ARRAYS];
    ck_ok(adamw_create(&c, 0.3, &o));
    ck_ok(mem_alloc(n, sizeof *p, &p));
    ck_ok(mem_alloc(n, sizeof *g, &g));
    ck_ok(mem_alloc(n, sizeof *x, &x));
    ck_ok(mem_alloc(n, sizeof *m, &m));
    ck_ok(mem_alloc(n, sizeof *v, &v));
    rng_stream r = rng_open(2, RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)(p[i] = (float)rng_normal(&r));
    int arrays = encoder_arrays(&c, a, ARRAYS);
    for (int t = 1; t <= 20; t++) {
        for (size_t i = 0; i < n; i++)
            g[i] = (float)(rng_normal(&r) + 0.3);
        double rate = 1e-2 / t, scale = t % 3 == 0 ? 0.5 : 1.0;
        adamw_step(o, p, g, rate, scale);
        for (int k = 0; k < arrays; k++) {
            size_t at = a[k].offset, count = (size_t)a[k].rows * (size_t)a[k].cols;
            reference_step(x + at, m + at, v + at, g + at, count, t, rate, scale,
                           a[k].decay ? 0.3 : 0.0);
        }
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol((double)p[i], x[i], 20 * 0x1p-24 * fmax(1.0, fabs(x[i])));
    ck_assert_int_eq(o->step, 20);
    adamw_destroy(&o);
    free(p);
    free(g);
    free(x);
    free(m);
    free(v);
}
END_TEST

/* a parameter whose gradient is 0 and that does not decay stays as it is */
START_TEST(nothing_moves_without_gradient) {
    adamw *o;
    size_t n = encoder_count(&c);
    float *p, *g;
    ck_ok(adamw_create(&c, 0.0, &o));
    ck_ok(mem_alloc(n, sizeof *p, &p));
    ck_ok(mem_alloc(n, sizeof *g, &g));
    for (size_t i = 0; i < n; i++)
        p[i] = (float)i - 100.5f;
    g[17] = 3.0f;
    adamw_step(o, p, g, 0.125, 1.0);
    for (size_t i = 0; i < n; i++)
        if (i != 17)
            ck_assert_float_eq(p[i], (float)i - 100.5f);
    ck_assert_float_eq_tol(p[17], 17.0f - 100.5f - 0.125f, 1e-5f); /* first step: the sign */
    adamw_destroy(&o);
    free(p);
    free(g);
}
END_TEST

START_TEST(norm_and_clip) {
    float g[37];
    double sum = 0.0;
    for (int i = 0; i < 37; i++) {
        g[i] = (float)(i - 11) * 0.37f;
        sum += (double)g[i] * (double)g[i];
    }
    ck_assert_double_eq_tol(gradient_norm(g, 37), sqrt(sum), 1e-12 * sqrt(sum));
    g[30] = NAN;
    ck_assert_double_nan(gradient_norm(g, 37));
    ck_assert_double_eq(clip_scale(0.5, 1.0), 1.0);
    ck_assert_double_eq(clip_scale(4.0, 1.0), 1.0 / (4.0 + 1e-6));
    ck_assert_double_eq(clip_scale(1e9, 0.0), 1.0); /* 0: no clipping */
}
END_TEST

START_TEST(schedule) {
    ck_assert_double_eq(schedule_linear(0, 100, 0.1, 2.0), 0.0);
    ck_assert_double_eq_tol(schedule_linear(5, 100, 0.1, 2.0), 1.0, 1e-15);
    ck_assert_double_eq(schedule_linear(10, 100, 0.1, 2.0), 2.0);
    ck_assert_double_eq_tol(schedule_linear(55, 100, 0.1, 2.0), 1.0, 1e-15);
    ck_assert_double_eq(schedule_linear(100, 100, 0.1, 2.0), 0.0);
    ck_assert_double_eq(schedule_linear(0, 4, 0.0, 2.0), 2.0); /* no warm-up */
    ck_assert_double_eq(schedule_linear(3, 4, 1.0, 2.0), 1.5); /* nothing but warm-up */
    ck_assert_double_eq(schedule_linear(0, 1, 0.1, 2.0), 2.0); /* one step: no room for either */
}
END_TEST

int main(void) {
    Suite *s = suite_create("optimiser");
    TCase *t = tcase_create("optimiser");
    tcase_add_test(t, adamw_is_reference);
    tcase_add_test(t, nothing_moves_without_gradient);
    tcase_add_test(t, norm_and_clip);
    tcase_add_test(t, schedule);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
