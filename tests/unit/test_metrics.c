/* ratios, Wilson's interval and McNemar's test against values of other programs */
#include "eval/metrics.h"
#include "eval/spread.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* scipy 1.10.1: binomtest(k, n).proportion_ci(0.95, "wilson") */
static const struct {
    int64_t k, n;
    double low, high;
} intervals[] = {
    {0, 10, 0.0, 0.27753279986288926},
    {10, 10, 0.7224672001371109, 1.0},
    {1, 10, 0.017876213095072896, 0.4041500267952385},
    {436, 872, 0.46688648025422663, 0.5331135197457734},
    {803, 872, 0.9010532883312523, 0.9369979281392704},
    {97, 872, 0.09205036527820773, 0.13383693067953825},
    {5, 7, 0.3589344518326193, 0.9177810759959432},
    {1, 1, 0.20654931437723745, 1.0},
    {0, 1, 0.0, 0.7934506856227626},
    {123456, 1000000, 0.12281269653142284, 0.12410219641400437},
};

/* sums of binomial coefficients in exact rational arithmetic, rounded once */
static const struct {
    int64_t b, c;
    double p;
} pairs[] = {
    {0, 0, 1.0},
    {3, 3, 1.0},
    {1, 0, 1.0},
    {7, 8, 1.0},
    {0, 5, 0.0625},
    {10, 2, 0.03857421875},
    {59, 121, 4.434449263755176e-06},
    {500, 700, 8.535366081034334e-09},
    {20, 1100, 4.780997025450788e-295},
    {0, 1000, 1.8665272370064378e-301},
    {3000, 3200, 0.011488253770871206},
};

static double relative(double got, double want) {
    return want == 0.0 ? fabs(got) : fabs(got / want - 1.0);
}

/* a handful of operations in float64: 1e-14 is 45 units in the last place */
START_TEST(wilson_is_scipys) {
    const interval i = wilson(intervals[_i].k, intervals[_i].n);
    ck_assert_double_le(relative(i.low, intervals[_i].low), 1e-14);
    ck_assert_double_le(relative(i.high, intervals[_i].high), 1e-14);
}
END_TEST

START_TEST(wilson_of_nothing) {
    const interval i = wilson(0, 0);
    ck_assert(i.low == 0.0 && i.high == 1.0);
}
END_TEST

/* logarithms of factorials reach 48000 here (6200!), where float64 keeps 1e-11 */
START_TEST(mcnemar_is_exact) {
    ck_assert_double_le(relative(mcnemar(pairs[_i].b, pairs[_i].c), pairs[_i].p), 1e-11);
    ck_assert_double_eq(mcnemar(pairs[_i].b, pairs[_i].c), mcnemar(pairs[_i].c, pairs[_i].b));
}
END_TEST

START_TEST(mcnemar_underflows_to_zero) {
    ck_assert_double_eq(mcnemar(0, 100000), 0.0);
}
END_TEST

/* METHOD's denominators: n, n, and the attacked that ended */
START_TEST(shares) {
    const attack_counts c = {.n = 200, .correct = 160, .success = 90, .failed = 60, .errored = 10};
    ck_assert_double_eq(metrics_acc(&c), 0.8);
    ck_assert_double_eq(metrics_aua(&c), 0.3);
    ck_assert_double_eq(metrics_asr(&c), 0.6);
    const attack_counts none = {0};
    ck_assert_double_nan(metrics_acc(&none));
    ck_assert_double_nan(metrics_asr(&none));
}
END_TEST

/* 200 examples: 35 wrong before, 5 that failed before they were asked, 90 + 60 + 10 attacked; every
 * figure worked out by hand from the definitions in eval/metrics.h */
START_TEST(conventions) {
    const attack_counts c = {.n = 200,
                             .correct = 160,
                             .success = 90,
                             .failed = 60,
                             .errored = 15,
                             .queries = 33000,
                             .changed = 180,
                             .words = 1800,
                             .shares = 11.25,
                             .similarity = 72.0,
                             .tested = 80};
    convention v = metrics_convention(&c, CONVENTION_ESPALIER);
    ck_assert(v.acc == 0.8 && v.aua == 0.3 && v.asr.low == 0.6 && v.asr.high == 0.6);
    ck_assert(v.queries == 200.0 && v.changed == 0.1);
    v = metrics_convention(&c, CONVENTION_TEXTATTACK); /* 35 skipped */
    ck_assert(v.acc == 0.825 && v.aua == 0.3 && v.asr.low == 0.6 && v.asr.high == 0.6);
    ck_assert(v.queries == 200.0 && v.changed == 0.125);
    v = metrics_convention(&c, CONVENTION_TEXTFOOLER);
    ck_assert(v.acc == 0.8 && v.aua == 0.35 && isnan(v.asr.low) && v.changed == 0.125);
    v = metrics_convention(&c, CONVENTION_OPENATTACK); /* 60 are known to withstand */
    ck_assert(isnan(v.acc) && isnan(v.aua) && isnan(v.queries));
    ck_assert(v.asr.low == 0.45 && v.asr.high == 0.7 && v.changed == 0.125);
    ck_assert_double_eq(metrics_similarity(&c), 0.9);
}
END_TEST

/* nothing attacked: TextAttack prints an Asr of 0, the others none */
START_TEST(conventions_of_nothing) {
    const attack_counts c = {.n = 10};
    ck_assert_double_nan(metrics_convention(&c, CONVENTION_ESPALIER).asr.low);
    ck_assert_double_eq(metrics_convention(&c, CONVENTION_TEXTATTACK).asr.low, 0.0);
    ck_assert_double_eq(metrics_convention(&c, CONVENTION_OPENATTACK).asr.high, 1.0);
    ck_assert_double_nan(metrics_convention(&c, CONVENTION_TEXTFOOLER).changed);
    ck_assert_double_nan(metrics_similarity(&c));
}
END_TEST

START_TEST(spread_over_seeds) {
    /* numpy: mean 5, std(ddof=1) 2.138089935299395 of the eight */
    const double x[] = {2, 4, 4, (double)NAN, 4, 5, 5, 7, 9};
    spread s = spread_of(x, 9);
    ck_assert(s.n == 8 && s.mean == 5.0 && s.low == 2.0 && s.high == 9.0);
    ck_assert_double_eq_tol(s.sd, 2.138089935299395, 1e-15);
    s = spread_of(x, 1);
    ck_assert(s.n == 1 && s.mean == 2.0 && isnan(s.sd) && s.low == 2.0 && s.high == 2.0);
    s = spread_of(x + 3, 1);
    ck_assert(s.n == 0 && isnan(s.mean) && isnan(s.sd) && isnan(s.low));
}
END_TEST

int main(void) {
    Suite *s = suite_create("metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_loop_test(t, wilson_is_scipys, 0, sizeof intervals / sizeof *intervals);
    tcase_add_test(t, wilson_of_nothing);
    tcase_add_loop_test(t, mcnemar_is_exact, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(t, mcnemar_underflows_to_zero);
    tcase_add_test(t, shares);
    tcase_add_test(t, conventions);
    tcase_add_test(t, conventions_of_nothing);
    tcase_add_test(t, spread_over_seeds);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
