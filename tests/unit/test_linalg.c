/* linalg on one rank: the LAPACK path against plain elimination, the dense products against loops
 */
#include "linalg/dense.h"
#include "linalg/fixed.h"
#include "linalg/local.h"
#include "spd.h"

#include <check.h>

static const int orders[] = {1, 2, 3, 31, 64, 65, 130};
enum { ORDERS = sizeof orders / sizeof *orders };

START_TEST(inverse_and_solution) {
    size_t d = (size_t)orders[_i], m = 5;
    double *a = spd_make(1, d, 1e-3), *b = spd_random(2, m * d), rcond;
    double *want = spd_inverse(a, d), *solution = spd_solve(a, b, d, m);
    double norm = spd_norm(a, d), *inverse = malloc(d * d * sizeof *inverse);
    ck_assert_int_eq(local_spd(inverse, b, (int)m, a, (int)d, norm, 1e-14, &rcond), OK);
    /* condition numbers here stay below 1e5: 1e-11 is a millionfold of float64's rounding */
    ck_assert_double_lt(spd_distance(inverse, want, d * d), 1e-11);
    ck_assert_double_lt(spd_distance(b, solution, m * d), 1e-11);
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_double_eq(inverse[i * d + k], inverse[k * d + i]);
    /* ?pocon's estimate is a lower bound of the condition number, rarely off by more than 3 */
    double exact = norm * spd_norm(want, d);
    ck_assert_double_le(1.0 / rcond, exact * (1.0 + 1e-9));
    ck_assert_double_ge(1.0 / rcond, exact / 10.0);
    free(a);
    free(b);
    free(want);
    free(solution);
    free(inverse);
}
END_TEST

START_TEST(in_place) {
    double a[4] = {4.0, 1.0, 1.0, 3.0}, rcond;
    ck_assert_int_eq(local_spd(a, NULL, 0, a, 2, 5.0, 1e-14, &rcond), OK);
    const double want[4] = {3.0 / 11.0, -1.0 / 11.0, -1.0 / 11.0, 4.0 / 11.0};
    ck_assert_double_lt(spd_distance(a, want, 4), 1e-15);
}
END_TEST

START_TEST(numbers_that_do_not_factor) {
    double indefinite[4] = {1.0, 2.0, 2.0, 1.0}, x[2] = {1.0, 1.0}, out[4] = {7, 7, 7, 7}, rcond;
    ck_assert_int_eq(local_spd(out, x, 1, indefinite, 2, 3.0, 1e-14, &rcond), OK);
    ck_assert_double_eq(rcond, 0.0);
    double close[4] = {1.0, 1.0, 1.0, 1.0 + 1e-15};
    ck_assert_int_eq(local_spd(out, x, 1, close, 2, 2.0, 1e-14, &rcond), OK);
    ck_assert_double_eq(rcond, 0.0);
    ck_assert_double_eq(x[0], 1.0); /* untouched */
    ck_assert_double_eq(out[0], 7.0);
}
END_TEST

/* against float64 on this machine's way: shapes around panels and steps, rows of all magnitudes */
START_TEST(fixed_products) {
    static const int shapes[][3] = {{128, 128, 128}, {1100, 150, 129}, {2049, 257, 131}};
    int T = shapes[_i][0], d = shapes[_i][1], m = shapes[_i][2];
    size_t n = (size_t)T, D = (size_t)d, M = (size_t)m;
    double *x = spd_random(6, n * D), *y = spd_random(7, n * M), *w = spd_random(8, M * D);
    double *got = calloc((n + D) * (D + M), sizeof *got),
           *want = calloc((n + D) * (D + M), sizeof *want);
    for (size_t t = 0; t < n; t++) {
        x[t * D] *= 1e6;
        x[t * D + 1] = 0.0;
        x[t * D + 2] *= 1e-6;
    }
    /* 2^-28 of the product of the largest, about 4^2 of the mean, at random */
    const double tolerance = 0x1p-28 * 16.0;
    ck_assert_int_eq(fixed_gram(got, x, T, d), OK);
    dense_gram(want, x, T, d);
    for (size_t i = 0; i < D; i++)
        for (size_t k = 0; k <= i; k++)
            ck_assert_double_le(fabs(got[i * D + k] - want[i * D + k]),
                                tolerance * sqrt(want[i * D + i] * want[k * D + k]));
    ck_assert_int_eq(fixed_cross(got, y, m, x, d, T, m, d), OK);
    dense_cross(want, y, m, x, d, T, m, d);
    for (size_t i = 0; i < M * D; i++)
        ck_assert_double_le(fabs(got[i] - want[i]), tolerance * (double)T *
                                                        (i % D == 0   ? 1e6
                                                         : i % D == 2 ? 1e-6
                                                                      : 1.0));
    ck_assert_int_eq(fixed_linear(got, x, d, w, T, m, d), OK);
    dense_linear(want, x, d, w, T, m, d);
    for (size_t i = 0; i < n * M; i++) /* a row of x has one number of 1e6 */
        ck_assert_double_le(fabs(got[i] - want[i]), tolerance * 1e6 * (double)d);
    x[D + 5] = NAN;
    ck_assert_int_eq(fixed_gram(got, x, T, d), OK);
    ck_assert(isnan(got[5 * D + 5]) && isnan(got[7 * D + 5]) && !isnan(got[7 * D + 6]));
    x[D + 5] = INFINITY;
    ck_assert_int_eq(fixed_gram(got, x, T, d), OK);
    ck_assert(!isfinite(got[5 * D + 5]) && isfinite(got[7 * D + 6]));
    free(x);
    free(y);
    free(w);
    free(got);
    free(want);
}
END_TEST

START_TEST(dense_products) {
    enum { T = 7, M = 3, N = 5 };
    double *x = spd_random(3, T * N), *y = spd_random(4, T * M), *w = spd_random(5, M * N);
    double gram[N * N] = {0}, cross[M * N] = {0}, out[T * M], by[N];
    dense_gram(gram, x, T, N);
    dense_mirror(gram, N);
    dense_cross(cross, y, M, x, N, T, M, N);
    dense_linear(out, x, N, w, T, M, N);
    dense_times(by, gram, x, N);
    for (int i = 0; i < N; i++) {
        double want = 0.0;
        for (int k = 0; k < N; k++) {
            double g = 0.0;
            for (int t = 0; t < T; t++)
                g += x[t * N + i] * x[t * N + k];
            ck_assert_double_eq_tol(gram[i * N + k], g, 1e-13);
            want += g * x[k];
        }
        ck_assert_double_eq_tol(by[i], want, 1e-12);
        for (int r = 0; r < M; r++) {
            double c = 0.0;
            for (int t = 0; t < T; t++)
                c += y[t * M + r] * x[t * N + i];
            ck_assert_double_eq_tol(cross[r * N + i], c, 1e-13);
        }
    }
    for (int t = 0; t < T; t++)
        for (int r = 0; r < M; r++)
            ck_assert_double_eq_tol(out[t * M + r], dense_dot(x + t * N, w + r * N, N), 1e-13);
    free(x);
    free(y);
    free(w);
}
END_TEST

START_TEST(dense_updates) {
    enum { T = 3, N = 6, LD = 8 };
    double *u = spd_random(6, T * LD), g[N * LD], c[N], f[T * 2];
    for (int i = 0; i < N * LD; i++)
        g[i] = i;
    for (int i = 0; i < N; i++)
        c[i] = 10 * i;
    for (int t = 0; t < T; t++)
        f[2 * t] = t + 1, f[2 * t + 1] = 1e9;
    dense_downdate(g, LD, u, LD, T, N);
    dense_subtract(c, u, LD, f, 2, T, N);
    dense_subtract(c, u, LD, f, 2, 0, N); /* nothing yet: nothing to subtract */
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < LD; k++) {
            double want = i * LD + k;
            for (int t = 0; t < T && k <= i; t++)
                want -= u[t * LD + i] * u[t * LD + k];
            ck_assert_double_eq_tol(g[i * LD + k], want, 1e-12);
        }
        double want = 10 * i;
        for (int t = 0; t < T; t++)
            want -= (t + 1) * u[t * LD + i];
        ck_assert_double_eq_tol(c[i], want, 1e-12);
    }
    free(u);
}
END_TEST

static Suite *linalg_suite(void) {
    Suite *s = suite_create("linalg");
    TCase *t = tcase_create("one rank");
    tcase_add_loop_test(t, inverse_and_solution, 0, ORDERS);
    tcase_add_test(t, in_place);
    tcase_add_test(t, numbers_that_do_not_factor);
    tcase_add_test(t, dense_products);
    tcase_add_loop_test(t, fixed_products, 0, 3);
    tcase_add_test(t, dense_updates);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(linalg_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
