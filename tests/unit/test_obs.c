/* exact OBS: the fast path against the definition, both against least squares; magnitude pruning */
#include "prune/obs.h"
#include "prune/scores.h"
#include "prune/selection.h"
#include "spd.h"

#include <check.h>

/* widths around the block of 64 removals, and one that takes several blocks */
static const int widths[] = {1, 2, 7, 63, 64, 65, 128, 200, 333};
static const double shares[] = {0.0, 0.3, 0.5, 0.875, 1.0};
enum { WIDTHS = sizeof widths / sizeof *widths, SHARES = sizeof shares / sizeof *shares };

static err fast(double *w, const double *inverse, int d, int k, int32_t *order, double *loss) {
    obs *s = NULL;
    obs_plan plan = {.at = &k, .n = 1};
    double *out = malloc((size_t)d * sizeof *out);
    char *kept = malloc((size_t)d);
    err e = obs_create(d, &s);
    if (e == OK)
        e = obs_run(s, &plan, w, inverse, out, kept, order, loss);
    if (e == OK)
        memcpy(w, out, (size_t)d * sizeof *w);
    obs_destroy(&s);
    free(out);
    free(kept);
    return e;
}

/* order, mask and losses must be the same; a wrong order could only come from two scores that agree
 * to rounding, which these random numbers do not have */
START_TEST(fast_is_the_reference) {
    int d = widths[_i / SHARES];
    size_t n = (size_t)d;
    int k = (int)obs_removals(shares[_i % SHARES], d);
    double *h = spd_make(10 + (uint64_t)d, n, 1e-3), *inverse = spd_inverse(h, n);
    double *w = spd_random(11, n), *w2 = malloc(n * sizeof *w2), *loss = calloc(n, sizeof *loss),
           *loss2 = calloc(n, sizeof *loss2);
    int32_t *order = calloc(n, sizeof *order), *order2 = calloc(n, sizeof *order2);
    memcpy(w2, w, n * sizeof *w);
    ck_assert_int_eq(fast(w, inverse, d, k, order, loss), OK);
    ck_assert_int_eq(obs_row_reference(w2, inverse, d, k, order2, loss2), OK);
    ck_assert_mem_eq(order, order2, n * sizeof *order);
    /* float64 rounding times condition number (below 1e4) times removals */
    ck_assert_double_lt(spd_distance(w, w2, n), 1e-9);
    ck_assert_double_lt(spd_distance(loss, loss2, n), 1e-9);
    int zeros = 0;
    for (int i = 0; i < d; i++) {
        ck_assert_int_eq(w[i] == 0.0, w2[i] == 0.0);
        zeros += w[i] == 0.0;
    }
    ck_assert_int_eq(zeros, k);
    free(h);
    free(inverse);
    free(w);
    free(w2);
    free(loss);
    free(loss2);
    free(order);
    free(order2);
}
END_TEST

/* the quadratic (w - w0)^T H (w - w0) of the best w with zeros where gone is set; w (d) out */
static double refit(double *w, const double *w0, const double *h, const char *gone, size_t d) {
    size_t kept[64], n = 0;
    double a[64 * 64] = {0}, b[64] = {0}, loss = 0.0;
    for (size_t i = 0; i < d; i++)
        if (!gone[i])
            kept[n++] = i;
    for (size_t r = 0; r < n; r++) {
        b[r] = 0.0;
        for (size_t k = 0; k < d; k++)
            b[r] += h[kept[r] * d + k] * w0[k];
        for (size_t k = 0; k < n; k++)
            a[r * n + k] = h[kept[r] * d + kept[k]];
    }
    double *x = spd_solve(a, b, n, 1);
    memset(w, 0, d * sizeof *w);
    for (size_t r = 0; r < n; r++)
        w[kept[r]] = x[r];
    free(x);
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++)
            loss += (w[i] - w0[i]) * h[i * d + k] * (w[k] - w0[k]);
    return loss;
}

/* by brute force: every removal is the one that least squares would regret least, and what is left
 * is the least-squares refit */
START_TEST(greedy_by_brute_force) {
    enum { D = 24, REMOVED = 12 };
    double *h = spd_make(20 + (uint64_t)_i, D, 1e-3), *inverse = spd_inverse(h, D);
    double *w0 = spd_random(21 + (uint64_t)_i, D), w[D], best_w[D], loss[REMOVED], before = 0.0;
    int32_t order[REMOVED];
    char gone[D] = {0};
    memcpy(w, w0, sizeof w);
    ck_assert_int_eq(fast(w, inverse, D, REMOVED, order, loss), OK);
    for (int t = 0; t < REMOVED; t++) {
        int best = -1;
        double least = INFINITY;
        for (int p = 0; p < D; p++) {
            if (gone[p])
                continue;
            gone[p] = 1;
            double l = refit(best_w, w0, h, gone, D);
            gone[p] = 0;
            if (l < least) {
                least = l;
                best = p;
            }
        }
        ck_assert_int_eq(order[t], best);
        ck_assert_double_eq_tol(loss[t], least - before, 1e-9);
        before = least;
        gone[best] = 1;
    }
    refit(best_w, w0, h, gone, D);
    ck_assert_double_lt(spd_distance(w, best_w, D), 1e-9);
    free(h);
    free(inverse);
    free(w0);
}
END_TEST

/* blocks of three inputs, two of every four groups' blocks stay: every block that goes is the one
 * that least squares would regret least */
START_TEST(blocks_by_brute_force) {
    enum { D = 24, C = 3, OF = 4, KEEP = 2, BLOCKS = D / C };
    const pattern q = {KEEP, OF, C};
    double *h = spd_make(40 + (uint64_t)_i, D, 1e-3), *inverse = spd_inverse(h, D);
    double *w0 = spd_random(41 + (uint64_t)_i, D), w[D], best_w[D], loss[D], before = 0.0;
    int k = pattern_removals(q, D), left[BLOCKS / OF] = {OF - KEEP, OF - KEEP};
    int32_t order[D];
    char gone[D] = {0}, kept[D];
    obs *s = NULL;
    ck_assert_int_eq(obs_create(D, &s), OK);
    ck_assert_int_eq(
        obs_run(s, &(obs_plan){.at = &k, .n = 1, .pattern = q}, w0, inverse, w, kept, order, loss),
        OK);
    for (int t = 0; t < k; t += C) {
        int best = -1;
        double least = INFINITY;
        for (int b = 0; b < BLOCKS; b++) {
            if (gone[b * C] || left[b / OF] == 0)
                continue;
            memset(gone + b * C, 1, C);
            double l = refit(best_w, w0, h, gone, D);
            memset(gone + b * C, 0, C);
            if (l < least) {
                least = l;
                best = b;
            }
        }
        for (int i = 0; i < C; i++)
            ck_assert_int_eq(order[t + i], best * C + i);
        ck_assert_double_eq_tol(loss[t] + loss[t + 1] + loss[t + 2], least - before, 1e-9);
        before = least;
        memset(gone + best * C, 1, C);
        left[best / OF]--;
    }
    refit(best_w, w0, h, gone, D);
    ck_assert_double_lt(spd_distance(w, best_w, D), 1e-9);
    for (int i = 0; i < D; i++)
        ck_assert_int_eq(kept[i], !gone[i]);
    obs_destroy(&s);
    free(h);
    free(inverse);
    free(w0);
}
END_TEST

START_TEST(ties_go_to_the_lowest_index) {
    enum { D = 150, REMOVED = 140 };
    double *one = calloc(D * D, sizeof *one), w[D], w2[D];
    int32_t order[REMOVED], order2[REMOVED];
    for (int i = 0; i < D; i++) {
        one[i * D + i] = 1.0;
        w[i] = w2[i] = i % 3 == 0 ? 0.0 : 1.0; /* dead inputs first, then equals */
    }
    ck_assert_int_eq(fast(w, one, D, REMOVED, order, NULL), OK);
    ck_assert_int_eq(obs_row_reference(w2, one, D, REMOVED, order2, NULL), OK);
    ck_assert_mem_eq(order, order2, sizeof order);
    for (int t = 1; t < REMOVED; t++)
        if (t != D / 3)
            ck_assert_int_lt(order[t - 1], order[t]);
    ck_assert_mem_eq(w, w2, sizeof w);
    free(one);
}
END_TEST

START_TEST(not_positive_definite) {
    double bad[4] = {1.0, 2.0, 2.0, 1.0}, w[2] = {1.0, 1.0}, w2[2] = {1.0, 1.0};
    ck_assert_int_eq(fast(w, bad, 2, 2, NULL, NULL), ERR_FAILED);
    ck_assert_ptr_nonnull(strstr(err_message(), "prune.damping"));
    ck_assert_int_eq(obs_row_reference(w2, bad, 2, 2, NULL, NULL), ERR_FAILED);
    double nan[1] = {NAN}, w3[1] = {1.0};
    ck_assert_int_eq(fast(w3, nan, 1, 1, NULL, NULL), ERR_FAILED);
}
END_TEST

START_TEST(removals) {
    ck_assert_int_eq(obs_removals(0.29, 100), 29); /* 0.29 * 100 is 28.999999999999996 */
    ck_assert_int_eq(obs_removals(0.7, 10), 7);
    ck_assert_int_eq(obs_removals(0.3, 24), 7);
    ck_assert_int_eq(obs_removals(0.5, 3), 1);
    ck_assert_int_eq(obs_removals(0.0, 768), 0);
    ck_assert_int_eq(obs_removals(0.999, 768), 767);
    ck_assert_int_eq(obs_removals(0.5, INT64_C(6000000001)), INT64_C(3000000000));
}
END_TEST

/* w (n) without its k lowest, as pruning by magnitude takes them */
static void lowest_removed(float *w, const float *all, int n, int k) {
    double x[8], score[8];
    char kept[8];
    for (int i = 0; i < n; i++)
        x[i] = (double)all[i];
    scores_magnitude(score, x, n);
    select_lowest(score, n, k, kept);
    for (int i = 0; i < n; i++)
        w[i] = kept[i] ? all[i] : 0.0f;
}

START_TEST(magnitude) {
    const float all[8] = {0.5f, -0.25f, 3.0f, 0.25f, -0.0f, 1e-30f, -3.0f, 0.25f};
    /* by |w|, ties by index: 4, 5, 1, 3, 7, 0, 2, 6 */
    static const int order[8] = {4, 5, 1, 3, 7, 0, 2, 6};
    for (int k = 0; k <= 8; k++) {
        float w[8];
        lowest_removed(w, all, 8, k);
        for (int t = 0; t < 8; t++)
            ck_assert_float_eq(w[order[t]], t < k ? 0.0f : all[order[t]]);
    }
    float odd[3] = {NAN, 1.0f, INFINITY};
    lowest_removed(odd, odd, 3, 2);
    ck_assert(isnan(odd[0]) && odd[1] == 0.0f && odd[2] == 0.0f);
}
END_TEST

static Suite *obs_suite(void) {
    Suite *s = suite_create("obs");
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, fast_is_the_reference, 0, WIDTHS * SHARES);
    tcase_add_loop_test(t, greedy_by_brute_force, 0, 4);
    tcase_add_loop_test(t, blocks_by_brute_force, 0, 4);
    tcase_add_test(t, ties_go_to_the_lowest_index);
    tcase_add_test(t, not_positive_definite);
    tcase_add_test(t, removals);
    tcase_add_test(t, magnitude);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(obs_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
