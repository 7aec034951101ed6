/* exchanges of kept and removed weights: each the best one by brute force, the loss as least
 * squares finds it, no better exchange at the end */
#include "prune/kept.h"
#include "prune/obs.h"
#include "prune/swaps.h"
#include "spd.h"

#include <check.h>

enum { D = 24, ALL = 10000 };

typedef struct problem {
    double *h, *inverse, *start;
    kept_fit *fit;
} problem;

static problem make_problem(uint64_t seed) {
    problem p = {spd_make(seed, D, 1e-3), NULL, spd_random(seed + 1, D), NULL};
    p.inverse = spd_inverse(p.h, D);
    ck_assert_int_eq(kept_create(D, &p.fit), OK);
    return p;
}

static void problem_free(problem *p) {
    free(p->h);
    free(p->inverse);
    free(p->start);
    kept_destroy(&p->fit);
}

/* the loss of a mask, by least squares of what is kept or with weights as they are */
static double loss_of(const problem *p, const char *kept, int refitted) {
    double w[D];
    for (int i = 0; i < D; i++)
        w[i] = kept[i] ? p->start[i] : 0.0;
    if (refitted)
        ck_assert_int_eq(kept_weights(p->fit, w, kept, p->start, p->h, NULL, NULL), OK);
    return kept_loss(p->fit, w, p->start, p->h);
}

/* every exchange: the lowest loss after it, kept changed to it */
static double brute_force(const problem *p, char *kept, pattern q, int refitted) {
    double best = INFINITY;
    int bu = 0, bp = 0;
    for (int u = 0; u < D; u++)
        for (int r = 0; r < D; r++) {
            if (!kept[u] || kept[r] || (q.of > 0 && u / q.of != r / q.of))
                continue;
            kept[u] = 0;
            kept[r] = 1;
            double l = loss_of(p, kept, refitted);
            kept[u] = 1;
            kept[r] = 0;
            if (l < best) {
                best = l;
                bu = u;
                bp = r;
            }
        }
    if (best < INFINITY) {
        kept[bu] = 0;
        kept[bp] = 1;
    }
    return best;
}

static const struct {
    int stride; /* every stride-th is kept (or removed, where negative) */
    pattern pattern;
} cases[] = {{2, {0, 0, 1}}, {-4, {0, 0, 1}}, {8, {0, 0, 1}},
             {2, {2, 4, 1}}, {2, {6, 12, 1}}, {4, {1, 4, 1}}};
enum { CASES = sizeof cases / sizeof *cases };

START_TEST(each_is_the_best) {
    int refitted = _i % 2, stride = cases[_i / 2].stride;
    pattern q = cases[_i / 2].pattern;
    problem p = make_problem(60 + (uint64_t)_i);
    char kept[D], slow[D];
    for (int i = 0; i < D; i++)
        kept[i] = stride > 0 ? i % stride == 0 : i % -stride != 0;
    swaps *s;
    ck_assert_int_eq(swaps_create(D, &s), OK);
    for (int turn = 0;; turn++) {
        swaps_report r;
        double before = loss_of(&p, kept, refitted);
        memcpy(slow, kept, D);
        double best = brute_force(&p, slow, q, refitted);
        if (refitted)
            ck_assert_int_eq(swaps_refitted(s, kept, p.start, p.h, p.inverse, q, 1, &r), OK);
        else
            swaps_masked(s, kept, p.start, p.h, q, 1, &r);
        ck_assert_double_eq_tol(r.before, before, 1e-9 * before);
        ck_assert_double_eq_tol(r.after, loss_of(&p, kept, refitted), 1e-9 * before);
        ck_assert_int_eq(r.made, best < before * (1.0 - 1e-9));
        if (r.made == 0) {
            ck_assert_int_eq(r.optimal, 1);
            ck_assert_int_gt(turn, 0); /* these masks are not the best ones */
            break;
        }
        ck_assert_mem_eq(kept, slow, D);
    }
    swaps_destroy(&s);
    problem_free(&p);
}
END_TEST

/* all at once is one after the other; what a budget stops may go on */
START_TEST(budget) {
    problem p = make_problem(80);
    char one[D], all[D];
    swaps_report r, total;
    swaps *s;
    ck_assert_int_eq(swaps_create(D, &s), OK);
    for (int refitted = 0; refitted < 2; refitted++) {
        int made = 0;
        for (int i = 0; i < D; i++)
            one[i] = all[i] = i < D / 2;
        if (refitted)
            ck_assert_int_eq(
                swaps_refitted(s, all, p.start, p.h, p.inverse, (pattern){0}, ALL, &total), OK);
        else
            swaps_masked(s, all, p.start, p.h, (pattern){0}, ALL, &total);
        do {
            if (refitted)
                ck_assert_int_eq(
                    swaps_refitted(s, one, p.start, p.h, p.inverse, (pattern){0}, 1, &r), OK);
            else
                swaps_masked(s, one, p.start, p.h, (pattern){0}, 1, &r);
            made += r.made;
        } while (!r.optimal);
        ck_assert_mem_eq(one, all, D);
        ck_assert_int_eq(made, total.made);
        ck_assert_int_gt(made, 2);
        ck_assert_int_eq(total.optimal, 1);
        ck_assert_double_lt(total.after, total.before);
        int in = 0;
        for (int i = 0; i < D; i++)
            in += all[i];
        ck_assert_int_eq(in, D / 2);
    }
    swaps_destroy(&s);
    problem_free(&p);
}
END_TEST

/* nothing to exchange: all kept, all removed */
START_TEST(nothing_to_do) {
    problem p = make_problem(90);
    swaps_report r;
    swaps *s;
    ck_assert_int_eq(swaps_create(D, &s), OK);
    for (int full = 0; full < 2; full++) {
        char kept[D];
        memset(kept, full, D);
        ck_assert_int_eq(swaps_refitted(s, kept, p.start, p.h, p.inverse, (pattern){0}, 5, &r), OK);
        ck_assert_int_eq(r.made, 0);
        ck_assert_int_eq(r.optimal, 1);
        swaps_masked(s, kept, p.start, p.h, (pattern){0}, 5, &r);
        ck_assert_int_eq(r.made, 0);
        for (int i = 0; i < D; i++)
            ck_assert_int_eq(kept[i], full);
    }
    swaps_destroy(&s);
    problem_free(&p);
}
END_TEST

/* from the greedy mask: never worse, and on most rows better */
START_TEST(beyond_greedy) {
    int better = 0;
    for (int seed = 0; seed < 20; seed++) {
        problem p = make_problem(100 + 2 * (uint64_t)seed);
        int k = D / 2;
        char kept[D];
        double w[D];
        obs *o;
        swaps *s;
        swaps_report r;
        ck_assert_int_eq(obs_create(D, &o), OK);
        ck_assert_int_eq(swaps_create(D, &s), OK);
        ck_assert_int_eq(
            obs_run(o, &(obs_plan){.at = &k, .n = 1}, p.start, p.inverse, w, kept, NULL, NULL), OK);
        double greedy = kept_loss(p.fit, w, p.start, p.h);
        ck_assert_int_eq(swaps_refitted(s, kept, p.start, p.h, p.inverse, (pattern){0}, ALL, &r),
                         OK);
        ck_assert_double_eq_tol(r.before, greedy, 1e-9 * greedy);
        ck_assert_double_le(loss_of(&p, kept, 1), greedy * (1.0 + 1e-12));
        better += r.made > 0;
        obs_destroy(&o);
        swaps_destroy(&s);
        problem_free(&p);
    }
    ck_assert_int_gt(better, 5);
}
END_TEST

static Suite *swaps_suite(void) {
    Suite *s = suite_create("swaps");
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, each_is_the_best, 0, 2 * CASES);
    tcase_add_test(t, budget);
    tcase_add_test(t, nothing_to_do);
    tcase_add_test(t, beyond_greedy);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(swaps_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
