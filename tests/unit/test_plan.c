/* what a study's plan is made of: order and length of a sweep, memory against what is really used
 */
#include "base/arena.h"
#include "base/rng.h"
#include "prune/prune.h"
#include "sweep/available.h"
#include "sweep/cost.h"
#include "sweep/need.h"
#include "sweep/schedule.h"
#include "toy.h"
#include "train/train.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64 };

START_TEST(longest_first) {
    static const double seconds[] = {2, 5, 1, 5, 9, 0};
    static const int64_t want[] = {4, 1, 3, 0, 2, 5};
    int64_t order[6];
    cost_order(seconds, 6, order);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(order[i], want[i]);
}
END_TEST

static schedule predict(const double *seconds, const int64_t *want, int n, int ranks) {
    int64_t order[N];
    schedule s;
    cost_order(seconds, n, order);
    ck_assert_int_eq(schedule_predict(seconds, want, order, n, ranks, &s), OK);
    return s;
}

START_TEST(schedules) {
    static const double seconds[] = {4, 3, 3, 2};
    static const int64_t one[] = {1, 1, 1, 1}, two[] = {2, 2, 2, 2}, mixed[] = {4, 1, 2, 100};
    schedule s = predict(seconds, one, 4, 1);
    ck_assert(s.wall == 12 && s.busy == 1);
    s = predict(seconds, one, 4, 2); /* 4 + 2 beside 3 + 3 */
    ck_assert(s.wall == 6 && s.busy == 1);
    s = predict(seconds, one, 4, 3); /* 4, 3 + 2, 3 */
    ck_assert(s.wall == 5 && fabs(s.busy - 12.0 / 15) < 1e-12);
    s = predict(seconds, one, 4, 8); /* four have nothing to do */
    ck_assert(s.wall == 4 && fabs(s.busy - 12.0 / 32) < 1e-12);
    s = predict(seconds, two, 4, 2);
    ck_assert(s.wall == 6 && s.busy == 1);
    /* three ranks: two for 4 / 2 + 3 / 2, and the one left over for 3 + 2 */
    s = predict(seconds, two, 4, 3);
    ck_assert(fabs(s.wall - 5) < 1e-12);
    /* all four ranks for 4 and 2 s, then 3 s by two of them and 3 s by one */
    s = predict(seconds, mixed, 4, 4);
    ck_assert(fabs(s.wall - 4.5) < 1e-12);
}
END_TEST

/* texts of 5 to 60 tokens */
static examples some(int n) {
    examples x = {.n = n, .max_length = 64};
    ck_assert_int_eq(mem_alloc((size_t)n * 60, sizeof *x.ids, &x.ids), OK);
    ck_assert_int_eq(mem_alloc((size_t)n + 1, sizeof *x.offset, &x.offset), OK);
    ck_assert_int_eq(mem_alloc((size_t)n, sizeof *x.label, &x.label), OK);
    rng_stream s = rng_open(1, RNG_TEST, 0, 0);
    for (int i = 0; i < n; i++) {
        x.offset[i + 1] = x.offset[i] + 5 + rng_below(&s, 56);
        x.label[i] = (int32_t)rng_below(&s, 2);
    }
    for (int64_t t = 0; t < x.offset[n]; t++)
        x.ids[t] = (int32_t)rng_below(&s, 4000);
    return x;
}

static finetune_options options(void) {
    finetune_options o = toy_finetune();
    o.epochs = 2;
    o.seed = 1;
    return o;
}

START_TEST(costs) {
    examples x = some(100);
    finetune_options o = options();
    cost_rates r = {.token = 1e-3, .update = 0.5, .evaluate = 1e-2};
    cost c = cost_variant(&r, &o, &x, 1000);
    ck_assert_int_eq(c.steps, 8); /* four batches, the last of 4 */
    ck_assert_int_eq(c.tokens, 2 * x.offset[100]);
    ck_assert(fabs(c.seconds - (1e-3 * (double)c.tokens + 4 + 10)) < 1e-9);
    o.accumulate = 3; /* 96 sequences a step */
    o.adversarial_steps = 5;
    o.early_stop = 1;
    c = cost_variant(&r, &o, &x, 1000);
    ck_assert_int_eq(c.steps, 4);
    ck_assert_int_eq(c.tokens, 10 * x.offset[100]);
    ck_assert(fabs(c.seconds - (1e-3 * (double)c.tokens + 2 + 30)) < 1e-9);
    examples_free(&x);
}
END_TEST

/* what is said before training and what the process really takes: at most a tenth less, for it is
 * to be relied on, and at most half more, for no batch has all of the longest texts; shapes in
 * which vocabulary, activations or parameters weigh most */
START_TEST(need_is_what_it_takes) {
    static const struct {
        int V, H, L, F, batch;
        const char *optimiser;
        int shards;
    } shape[] = {{30000, 128, 2, 512, 16, "adamw", 4},
                 {4000, 256, 4, 1024, 64, "adamw", 1},
                 {4000, 256, 4, 1024, 64, "adam", 8},
                 {4000, 384, 6, 1536, 8, "sgd", 4}};
    examples x = some(130);
    finetune_options o = options();
    strcpy(o.optimiser, shape[_i].optimiser);
    o.epochs = 1;
    o.batch = shape[_i].batch;
    o.shards = shape[_i].shards;
    encoder_config c = {.V = shape[_i].V,
                        .H = shape[_i].H,
                        .L = shape[_i].L,
                        .A = 4,
                        .F = shape[_i].F,
                        .P = 64,
                        .Y = 2,
                        .K = 2,
                        .norm_eps = 1e-12f};
    need n;
    ck_assert_int_eq(need_finetune(&c, &o, 1, &x, &x, &n), OK);
    double before = available_held();
    encoder *m;
    train_result r;
    const par alone = par_alone();
    ck_assert_int_eq(encoder_create(&c, &m), OK);
    encoder_init(m, 1);
    ck_assert_int_eq(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r), OK);
    double took = available_peak() - before, said = need_total(&n);
    ck_assert_msg(said > took / 1.1 && said < took * 1.5, "%.1f MB said, %.1f MB taken", said / 1e6,
                  took / 1e6);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

/* the same of pruning, where parameters, states, or sums and factors weigh most */
START_TEST(pruning_is_what_it_takes) {
    enum { MODELS = 3 };
    static const struct {
        int V, H, F, texts;
    } shape[] = {{60000, 192, 384, 64}, {4000, 128, 256, 4000}, {4000, 128, 1024, 64}};
    examples x = some(shape[_i].texts);
    prune_options o = {.chunk = 32,
                       .calibration = shape[_i].texts,
                       .calibration_length = 33, /* of some(), on average */
                       .damping = 1e-4,
                       .refit_bias = 1};
    strcpy(o.hessian, "adaptive");
    strcpy(o.target, "adaptive");
    strcpy(o.factorisation, "auto");
    strcpy(o.grid, "auto");
    strcpy(o.allocation, "uniform");
    encoder_config c = {.V = shape[_i].V,
                        .H = shape[_i].H,
                        .L = 1,
                        .A = 4,
                        .F = shape[_i].F,
                        .P = 64,
                        .Y = 2,
                        .norm_eps = 1e-12f};
    prune_need n = prune_memory(&c, &o, MODELS, 1);
    const par alone = par_alone();
    prune_layer rows[MODELS][LINEAR_COUNT + 2], *layers[MODELS];
    prune_job jobs[MODELS];
    int counts[MODELS];
    encoder *m, *pruned[MODELS];
    double before = available_held();
    ck_assert_int_eq(encoder_create(&c, &m), OK);
    encoder_init(m, 1);
    for (int i = 0; i < MODELS; i++) {
        layers[i] = rows[i];
        jobs[i] = (prune_job){.p = &alone,
                              .dense = m,
                              .calibration = &x,
                              .method = "adaptive",
                              .sparsity = 0.01 * (i + 1),
                              .o = &o};
    }
    ck_assert_int_eq(prune_models(jobs, MODELS, layers, counts, pruned), OK);
    double took = available_peak() - before, said = n.parameters + n.states + n.sums;
    ck_assert_msg(said > took / 1.1 && said < took * 1.5, "%.1f MB said, %.1f MB taken", said / 1e6,
                  took / 1e6);
    for (int i = 0; i < MODELS; i++)
        encoder_destroy(&pruned[i]);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

/* BERT-large is worked out without being there */
START_TEST(need_of_large) {
    examples x = some(2000);
    finetune_options o = options();
    encoder_config c = {.V = 30522,
                        .H = 1024,
                        .L = 24,
                        .A = 16,
                        .F = 4096,
                        .P = 512,
                        .Y = 2,
                        .K = 2,
                        .norm_eps = 1e-12f};
    need n;
    double before = available_peak();
    ck_assert_int_eq(need_finetune(&c, &o, 1, &x, &x, &n), OK);
    ck_assert(available_peak() - before < 20e6);
    ck_assert(fabs(n.parameters - 4.0 * 335e6) < 4e6 * 1.5);
    ck_assert(fabs(n.moments - 2 * n.parameters) < 1);
    ck_assert(n.activations > 3e8 && n.attention < n.activations);
    need shared;
    ck_assert_int_eq(need_finetune(&c, &o, 4, &x, &x, &shared), OK);
    ck_assert(need_total(&shared) < need_total(&n));
    examples_free(&x);
}
END_TEST

START_TEST(room) {
    const par alone = par_alone();
    available a;
    setenv("SLURM_MEM_PER_NODE", "700", 1);
    ck_assert_int_eq(available_memory(&alone, &a), OK);
    ck_assert(a.held > 1e6 && a.held < 700 * 0x1p20 && a.ranks_here == 1);
    ck_assert(a.bytes == 700 * 0x1p20);
    ck_assert_str_eq(a.by, "SLURM_MEM_PER_NODE");
    setenv("SLURM_MEM_PER_CPU", "100", 1);
    setenv("SLURM_CPUS_PER_TASK", "2", 1);
    ck_assert_int_eq(available_memory(&alone, &a), OK);
    ck_assert(a.bytes == 200 * 0x1p20);
    ck_assert_str_eq(a.by, "SLURM_MEM_PER_CPU");
    double held = available_held(); /* first: to ask takes memory too */
    ck_assert(available_peak() >= held);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

int main(void) {
    Suite *suite = suite_create("plan");
    TCase *t = tcase_create("plan");
    tcase_add_test(t, longest_first);
    tcase_add_test(t, schedules);
    tcase_add_test(t, costs);
    if (!SANITIZED) /* its shadow memory is not what a step takes, and its steps are slow */
        tcase_add_loop_test(t, need_is_what_it_takes, 0, 4);
    if (!SANITIZED)
        tcase_add_loop_test(t, pruning_is_what_it_takes, 0, 3);
    tcase_add_test(t, need_of_large);
    tcase_add_test(t, room);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
