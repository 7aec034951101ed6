/* masks by scores, N:M patterns, shares of rows and linears: against sorting and brute force */
#include "prune/allocation.h"
#include "prune/magnitude.h"
#include "prune/obs.h"
#include "prune/scores.h"
#include "prune/selection.h"
#include "spd.h"
#include "unit/scratch.h"

#include <check.h>

START_TEST(patterns) {
    pattern p;
    ck_assert_int_eq(pattern_parse("none", &p), OK);
    ck_assert_int_eq(p.of, 0);
    ck_assert_int_eq(pattern_removals(p, 12), 0);
    ck_assert_int_eq(pattern_parse("32:64", &p), OK);
    ck_assert_int_eq(p.keep, 32);
    ck_assert_int_eq(p.of, 64);
    ck_assert_int_eq(pattern_removals(p, 768), 384);
    ck_assert_int_eq(pattern_check(p, 768), OK);
    ck_assert_int_eq(pattern_check(p, 100), ERR_USAGE);
    ck_assert_int_eq(pattern_parse("2:4x8", &p), OK);
    ck_assert(p.keep == 2 && p.of == 4 && p.block == 8);
    ck_assert_int_eq(pattern_removals(p, 768), 384);
    ck_assert_int_eq(pattern_check(p, 64), OK);
    ck_assert_int_eq(pattern_check(p, 48), ERR_USAGE);
    static const char *const wrong[] = {"",      "2",       "2:",    "4:2",    "0:4",
                                        "2:2",   "-1:4",    "2:4x",  "1:5000", "2:4x",
                                        "2:4x0", "2:4x300", "2:4x8y"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(pattern_parse(wrong[i], &p), ERR_USAGE);
}
END_TEST

/* one by one: the lowest that is left, ties to the lowest index */
static void slow_lowest(const double *score, int n, int k, char *kept) {
    memset(kept, 1, (size_t)n);
    for (; k > 0; k--) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (kept[i] &&
                (best < 0 || score[i] < score[best] || (isnan(score[best]) && !isnan(score[i]))))
                best = i;
        kept[best] = 0;
    }
}

START_TEST(lowest) {
    static const int sizes[] = {1, 4, 64, 65, 1000};
    int n = sizes[_i];
    double *score = spd_random(5, (size_t)n);
    char *kept = malloc((size_t)n), *slow = malloc((size_t)n);
    for (int turn = 0; turn < 3;
         turn++) { /* all different, then many ties, then NaN and infinity */
        for (int i = 0; i < n; i++)
            score[i] = turn == 1 ? floor(3.0 * fabs(score[i])) : fabs(score[i]);
        if (turn == 2)
            score[n / 2] = NAN, score[n - 1] = INFINITY;
        for (int k = 0; k <= n; k += k < 20 ? 1 : 1 + n / 7) { /* every few, and some more */
            select_lowest(score, n, k, kept);
            slow_lowest(score, n, k, slow);
            ck_assert_mem_eq(kept, slow, (size_t)n);
        }
    }
    free(score);
    free(kept);
    free(slow);
}
END_TEST

START_TEST(groups) {
    double *score = spd_random(6, 24);
    char kept[24], slow[24];
    for (int i = 0; i < 24; i++)
        score[i] = fabs(score[i]);
    select_pattern(score, 24, (pattern){3, 8, 1}, kept);
    for (int g = 0; g < 24; g += 8)
        slow_lowest(score + g, 8, 5, slow + g);
    ck_assert_mem_eq(kept, slow, 24);
    /* blocks of 3, two of every four stay: those of the larger sums */
    select_pattern(score, 24, (pattern){2, 4, 3}, kept);
    for (int g = 0; g < 24; g += 12) {
        double sum[4] = {0.0};
        char whole[4];
        for (int i = 0; i < 12; i++)
            sum[i / 3] += score[g + i];
        slow_lowest(sum, 4, 2, whole);
        for (int i = 0; i < 12; i++)
            ck_assert_int_eq(kept[g + i], whole[i / 3]);
    }
    free(score);
}
END_TEST

START_TEST(wanda) {
    enum { D = 3, T = 5 };
    const double x[T * (D + 1)] = {1, 0, 2, 1, -1, 0, 2, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1};
    const double w[D] = {-3.0, 100.0, 2.0};
    double score[D];
    hessian *h;
    ck_assert_int_eq(hessian_create(D, 0, NULL, &h), OK);
    ck_assert_int_eq(hessian_add(h, x, NULL, T), OK);
    par alone = par_alone();
    ck_assert_int_eq(hessian_reduce(h, &alone), OK);
    scores_wanda(score, w, h);
    ck_assert_double_eq_tol(score[0], 3.0 * 2.0, 1e-12);
    ck_assert_double_eq(score[1], 0.0);
    ck_assert_double_eq_tol(score[2], 2.0 * 3.0, 1e-12);
    hessian_destroy(&h);
}
END_TEST

START_TEST(random_scores) {
    double a[9], b[9], c[9];
    scores_random(a, 9, 1, 2, 3);
    scores_random(b, 9, 1, 2, 3);
    ck_assert_mem_eq(a, b, sizeof a);
    for (int other = 0; other < 3; other++) {
        scores_random(c, 9, 1 + (other == 0), 2 + (other == 1), 3 + (other == 2));
        for (int i = 0; i < 9; i++) {
            ck_assert(a[i] >= 0.0 && a[i] < 1.0);
            ck_assert_double_ne(a[i], c[i]);
        }
    }
}
END_TEST

START_TEST(global_magnitude) {
    const float a[4] = {1.0f, -2.0f, 0.5f, 3.0f}, b[3] = {-0.5f, 0.25f, 9.0f};
    const float *const w[2] = {a, b};
    const int64_t n[2] = {4, 3};
    /* by |w|, ties to the first linear: b1, a2, b0, a0, a1, a3, b2 */
    static const int64_t of_a[8] = {0, 0, 1, 1, 2, 3, 4, 4};
    for (int k = 0; k <= 7; k++) {
        int64_t removed[2];
        magnitude_shares(w, n, 2, k, removed);
        ck_assert_int_eq(removed[0], of_a[k]);
        ck_assert_int_eq(removed[1], k - of_a[k]);
    }
}
END_TEST

/* the next removal of the row where it is cheapest, by looking at every row every time */
START_TEST(rows_share_by_traces) {
    enum { ROWS = 7, D = 9 };
    double *loss = spd_random(7, ROWS * D);
    for (int i = 0; i < ROWS * D; i++)
        loss[i] = fabs(floor(4.0 * loss[i])); /* with ties; not rising in every row */
    for (int total = 0; total <= ROWS * D; total++) {
        int count[ROWS], slow[ROWS] = {0};
        ck_assert_int_eq(allocation_rows(loss, ROWS, D, total, count), OK);
        for (int t = 0; t < total; t++) {
            int best = -1;
            for (int r = 0; r < ROWS; r++)
                if (slow[r] < D &&
                    (best < 0 || loss[r * D + slow[r]] < loss[best * D + slow[best]]))
                    best = r;
            slow[best]++;
        }
        for (int r = 0; r < ROWS; r++)
            ck_assert_int_eq(count[r], slow[r]);
    }
    free(loss);
}
END_TEST

/* all S^L choices */
START_TEST(linears_share_by_cost) {
    enum { L = 5, S = 4, ALL = 4 * 4 * 4 * 4 * 4 };
    double *cost = spd_random(8 + (uint64_t)_i, L * S);
    int64_t removed[L * S], most = 0;
    for (int l = 0; l < L; l++) {
        for (int c = 0; c < S; c++) {
            removed[l * S + c] = c * (l + 1) * 10; /* whole steps: the answer is exact */
            cost[l * S + c] = fabs(cost[l * S + c]) + c;
        }
        most += removed[l * S + S - 1];
    }
    for (int64_t total = 0; total <= most; total += 7) {
        int choice[L];
        double least = INFINITY, mine = 0.0;
        int64_t gone = 0;
        ck_assert_int_eq(allocation_linears(cost, removed, L, S, total, (int)most / 10, choice),
                         OK);
        for (int a = 0; a < ALL; a++) {
            double sum = 0.0;
            int64_t n = 0;
            for (int l = 0, rest = a; l < L; l++, rest /= S) {
                sum += cost[l * S + rest % S];
                n += removed[l * S + rest % S];
            }
            if (n >= total && sum < least)
                least = sum;
        }
        for (int l = 0; l < L; l++) {
            mine += cost[l * S + choice[l]];
            gone += removed[l * S + choice[l]];
        }
        ck_assert_int_ge(gone, total);
        ck_assert_double_eq_tol(mine, least, 1e-12);
        /* in coarse steps it is only near, but never too little */
        ck_assert_int_eq(allocation_linears(cost, removed, L, S, total, 13, choice), OK);
        gone = 0;
        for (int l = 0; l < L; l++)
            gone += removed[l * S + choice[l]];
        ck_assert_int_ge(gone, total);
    }
    int choice[L];
    ck_assert_int_eq(allocation_linears(cost, removed, L, S, most + 1, 100, choice), ERR_USAGE);
    free(cost);
}
END_TEST

static err read_text(const char *text, double *sparsity) {
    static const int block[3] = {0, 0, 1};
    static const char *const linear[3] = {"query", "output", "query"};
    put_text("allocation.tsv", text);
    return allocation_read("allocation.tsv", block, linear, 3, sparsity);
}

START_TEST(shares_from_a_file) {
    double s[3];
    ck_assert_int_eq(read_text("# mine\n0\tquery\t0.5\n\n1\tquery\t0.25 # less\n0\toutput\t0\n", s),
                     OK);
    ck_assert_double_eq(s[0], 0.5);
    ck_assert_double_eq(s[1], 0.0);
    ck_assert_double_eq(s[2], 0.25);
    static const struct {
        const char *text, *says;
    } wrong[] = {{"0\tquery\n", "allocation.tsv:1: expected block, linear and sparsity"},
                 {"0\tquery\t0.5\textra\n", ":1: expected"},
                 {"0\tquery\t1.5\n", ":1: sparsity 1.5"},
                 {"0\tquery\tnan\n", ":1: sparsity"},
                 {"0\tquery\t.5\n0\tquery\t.5\n", ":2: block 0 query a second time"},
                 {"\n7\tquery\t.5\n", ":2: the model has no linear query in block 7"},
                 {"0\tquery\t.5\n0\toutput\t.5\n", "no line for block 1 query"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(read_text(wrong[i].text, s), ERR_DATA);
        ck_assert_msg(strstr(err_message(), wrong[i].says), "%s", err_message());
    }
    ck_assert_int_eq(allocation_read("/nonexistent/file", NULL, NULL, 0, s), ERR_IO);
}
END_TEST

static Suite *selection_suite(void) {
    Suite *s = suite_create("selection");
    TCase *t = tcase_create("masks");
    tcase_add_test(t, patterns);
    tcase_add_loop_test(t, lowest, 0, 5);
    tcase_add_test(t, groups);
    tcase_add_test(t, wanda);
    tcase_add_test(t, random_scores);
    tcase_add_test(t, global_magnitude);
    tcase_add_test(t, rows_share_by_traces);
    tcase_add_loop_test(t, linears_share_by_cost, 0, 3);
    tcase_add_test(t, shares_from_a_file);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    return scratch_run(selection_suite());
}
