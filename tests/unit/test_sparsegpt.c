/* SparseGPT from one factor against the definition; least squares of kept weights */
#include "linalg/factor.h"
#include "prune/kept.h"
#include "prune/obs.h"
#include "prune/sparsegpt.h"
#include "spd.h"

#include <check.h>
#include <math.h>

static const sparsegpt_plan plans[] = {
    {.sparsity = 0.5, .block = 128},     {.sparsity = 0.3, .block = 16},
    {.sparsity = 0.875, .block = 7},     {.sparsity = 0.5, .block = 16, .rows_alike = 1},
    {.pattern = {2, 4, 1}, .block = 18}, {.pattern = {10, 20, 1}, .block = 16},
    {.pattern = {1, 2, 5}, .block = 7},  {.sparsity = 0.0, .block = 16},
    {.sparsity = 1.0, .block = 16},
};
enum { PLANS = sizeof plans / sizeof *plans };

START_TEST(fast_is_the_reference) {
    enum { M = 9, D = 60 };
    const sparsegpt_plan *plan = &plans[_i];
    double *h = spd_make(30, D, 1e-3), *inverse = spd_inverse(h, D), *w = spd_random(31, M * D);
    double slow[M * D], factor[D * D];
    char kept[M * D], slow_kept[M * D];
    memcpy(slow, w, sizeof slow);
    ck_assert_int_eq(factor_upper(factor, h, D), OK);
    ck_assert_int_eq(sparsegpt_prune(w, kept, factor, M, D, plan), OK);
    ck_assert_int_eq(sparsegpt_reference(slow, slow_kept, inverse, M, D, plan), OK);
    ck_assert_mem_eq(kept, slow_kept, sizeof kept);
    /* what finished blocks do to a block is float32; one block alone is float64 throughout,
     * rounding times condition number (below 1e4) */
    ck_assert_double_lt(spd_distance(w, slow, M * D), plan->block >= D ? 1e-9 : 1e-6);
    int gone = 0;
    for (int i = 0; i < M * D; i++) {
        ck_assert(kept[i] || w[i] == 0.0);
        gone += !kept[i];
    }
    if (plan->pattern.of)
        ck_assert_int_eq(gone, M * pattern_removals(plan->pattern, D));
    else if (!plan->rows_alike && plan->block >= D)
        ck_assert_int_eq(gone, obs_removals(plan->sparsity, M * D));
    free(h);
    free(inverse);
    free(w);
}
END_TEST

/* orders of one block, of two, of more */
START_TEST(factors) {
    static const int orders[] = {1, 23, 256, 257, 530};
    int d = orders[_i];
    size_t n = (size_t)d;
    double *h = spd_make(32, n, 1e-3), *r = malloc(n * n * sizeof *r), *x = spd_random(35, n);
    double *back = calloc(n * n, sizeof *back), *product = calloc(n, sizeof *product);
    double worst = 0.0;
    int below = 0;
    ck_assert_int_eq(factor_upper(r, h, d), OK);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            below += j < i && r[i * n + j] != 0.0;
            for (size_t k = i > j ? i : j; k < n; k++)
                back[i * n + j] += r[i * n + k] * r[j * n + k];
            product[i] += h[i * n + j] * x[j];
        }
    ck_assert_int_eq(below, 0);
    ck_assert_double_lt(spd_distance(back, h, n * n), 1e-12);
    memcpy(r, h, n * n * sizeof *r);
    ck_assert_int_eq(factor_solve(product, r, d, d), OK);
    ck_assert_double_lt(spd_distance(product, x, n), 1e-9);
    memcpy(r, h, n * n * sizeof *r);
    ck_assert_int_eq(factor_inverse(r, d, d), OK);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            back[i * n + j] = 0.0;
            for (size_t k = 0; k < n; k++)
                back[i * n + j] += h[i * n + k] * r[j * n + k];
            worst = fmax(worst, fabs(back[i * n + j] - (i == j ? 1.0 : 0.0)));
        }
    ck_assert_double_lt(worst, 1e-9);
    free(r);
    free(x);
    free(back);
    free(product);
    double bad[4] = {1.0, 2.0, 2.0, 1.0};
    ck_assert_int_eq(factor_upper(bad, bad, 2), ERR_FAILED);
    free(h);
}
END_TEST

/* by the kept side, by the removed side, and by Gauss on the kept side: the same, and no better
 * weights nearby */
START_TEST(kept_weights_are_best) {
    enum { D = 30 };
    static const int strides[] = {1, 2, 3, 7, 40}; /* every stride-th is removed; 1: all */
    double *h = spd_make(33, D, 1e-3), *inverse = spd_inverse(h, D), *start = spd_random(34, D);
    double a[D * D], b[D], w[3][D], loss[3];
    char kept[D];
    int in[D], n = 0;
    for (int i = 0; i < D; i++) {
        kept[i] = i % strides[_i] != 0;
        if (kept[i])
            in[n++] = i;
    }
    kept_fit *fit;
    ck_assert_int_eq(kept_create(D, &fit), OK);
    ck_assert_int_eq(kept_weights(fit, w[0], kept, start, h, inverse, &loss[0]), OK);
    ck_assert_int_eq(kept_weights(fit, w[1], kept, start, h, NULL, &loss[1]), OK);
    ck_assert_int_eq(kept_weights(fit, w[2], kept, start, NULL, inverse, &loss[2]), OK);
    for (int i = 0; i < n; i++) {
        b[i] = 0.0;
        for (int k = 0; k < D; k++)
            b[i] += h[in[i] * D + k] * start[k];
        for (int k = 0; k < n; k++)
            a[i * n + k] = h[in[i] * D + in[k]];
    }
    double *x = spd_solve(a, b, (size_t)n, 1), best[D] = {0};
    for (int i = 0; i < n; i++)
        best[in[i]] = x[i];
    for (int v = 0; v < 3; v++) {
        ck_assert_double_lt(spd_distance(w[v], best, D), 1e-10);
        ck_assert_double_eq_tol(loss[v], kept_loss(fit, best, start, h), 1e-10);
    }
    free(x);
    kept_destroy(&fit);
    free(h);
    free(inverse);
    free(start);
}
END_TEST

static Suite *sparsegpt_suite(void) {
    Suite *s = suite_create("sparsegpt");
    TCase *t = tcase_create("layer");
    tcase_add_loop_test(t, fast_is_the_reference, 0, PLANS);
    tcase_add_loop_test(t, factors, 0, 5);
    tcase_add_loop_test(t, kept_weights_are_best, 0, 5);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(sparsegpt_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
