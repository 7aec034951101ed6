/* the optimisers against float64 ones, the clipping rule, the schedules. */
#include "base/arena.h"
#include "base/rng.h"
#include "train/clip.h"
#include "train/optimiser.h"
#include "train/schedule.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAYS = 64 };

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static const encoder_config c = {.V = 7, .H = 6, .L = 2, .A = 2, .F = 9, .P = 5, .Y = 2, .K = 2};

/* one element after one step: AdamW as algorithm 2 of arXiv 1711.05101, Adam and SGD as
 * torch.optim.Adam and torch.optim.SGD document them; t counts from 1 */
static void reference_step(const optimiser_rule *r, double *p, double *m, double *v, double g,
                           int t, double rate, double decay) {
    if (r->kind == OPTIMISER_SGD) {
        g += decay * *p;
        *m = t == 1 ? g : r->momentum * *m + g;
        *p -= rate * *m;
        return;
    }
    if (r->kind == OPTIMISER_ADAM)
        g += decay * *p;
    else
        *p -= rate * decay * *p;
    *m = r->beta1 * *m + (1.0 - r->beta1) * g;
    *v = r->beta2 * *v + (1.0 - r->beta2) * g * g;
    double mhat = *m / (1.0 - pow(r->beta1, t)), vhat = *v / (1.0 - pow(r->beta2, t));
    *p -= rate * mhat / (sqrt(vhat) + r->epsilon);
}

static const optimiser_rule RULES[] = {
    {.kind = OPTIMISER_ADAMW,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8,
     .weight_decay = 0.3,
     .layer_decay = 1.0},
    {.kind = OPTIMISER_ADAMW,
     .beta1 = 0.8,
     .beta2 = 0.95,
     .epsilon = 1e-3,
     .weight_decay = 0.1,
     .layer_decay = 0.7},
    {.kind = OPTIMISER_ADAM,
     .beta1 = 0.9,
     .beta2 = 0.99,
     .epsilon = 1e-6,
     .weight_decay = 0.2,
     .layer_decay = 1.0},
    {.kind = OPTIMISER_SGD, .momentum = 0.9, .weight_decay = 0.1, .layer_decay = 0.5},
    {.kind = OPTIMISER_SGD, .momentum = 0.0, .weight_decay = 0.0, .layer_decay = 1.0}};

enum { RULE_COUNT = sizeof RULES / sizeof *RULES, STEPS = 20 };

/* by the array's name, not by the order that the optimiser goes by */
static double reference_factor(const optimiser_rule *r, const char *name) {
    const char *layer = strstr(name, "encoder.layer.");
    if (strstr(name, "embeddings."))
        return pow(r->layer_decay, c.L + 1);
    return layer ? pow(r->layer_decay, c.L - atoi(layer + strlen("encoder.layer."))) : 1.0;
}

typedef struct twin {
    size_t n;
    float *p, *g;
    double *x, *m, *v;
} twin;

static twin twin_make(void) {
    twin w = {.n = encoder_count(&c)};
    ck_ok(mem_alloc(w.n, sizeof *w.p, &w.p));
    ck_ok(mem_alloc(w.n, sizeof *w.g, &w.g));
    ck_ok(mem_alloc(w.n, sizeof *w.x, &w.x));
    ck_ok(mem_alloc(w.n, sizeof *w.m, &w.m));
    ck_ok(mem_alloc(w.n, sizeof *w.v, &w.v));
    rng_stream r = rng_open(2, RNG_TEST, 0, 0);
    for (size_t i = 0; i < w.n; i++)
        w.x[i] = (double)(w.p[i] = (float)rng_normal(&r));
    return w;
}

static void twin_free(twin *w) {
    free(w->p);
    free(w->g);
    free(w->x);
    free(w->m);
    free(w->v);
}

static void twin_gradient(twin *w, int t) {
    rng_stream r = rng_open(3, RNG_TEST, (uint32_t)t, 0);
    for (size_t i = 0; i < w->n; i++)
        w->g[i] = (float)(rng_normal(&r) + 0.3);
}

/* float32 moments and parameters, 20 steps of one to two roundings each: below 20 ulp of the
 * largest number on the way (SGD's moments reach 10) */
START_TEST(optimiser_is_reference) {
    const optimiser_rule *rule = &RULES[_i];
    optimiser *o;
    encoder_array a[ARRAYS];
    twin w = twin_make();
    ck_ok(optimiser_create(&c, rule, 0, w.n, &o));
    int arrays = encoder_arrays(&c, a, ARRAYS);
    ck_assert_int_le(arrays, ARRAYS);
    for (int t = 1; t <= STEPS; t++) {
        double rate = 1e-2 / t, scale = t % 3 == 0 ? 0.5 : 1.0;
        twin_gradient(&w, t);
        optimiser_step(o, w.p, w.g, NULL, rate, scale);
        for (int k = 0; k < arrays; k++)
            for (size_t i = a[k].offset; i < a[k].offset + (size_t)(a[k].rows * a[k].cols); i++)
                reference_step(rule, &w.x[i], &w.m[i], &w.v[i], (double)w.g[i] * scale, t,
                               rate * reference_factor(rule, a[k].name),
                               a[k].decay ? rule->weight_decay : 0.0);
    }
    for (size_t i = 0; i < w.n; i++)
        ck_assert_double_eq_tol((double)w.p[i], w.x[i], 20 * 0x1p-24 * fmax(1.0, fabs(w.x[i])));
    ck_assert_int_eq(o->step, STEPS);
    optimiser_destroy(&o);
    twin_free(&w);
}
END_TEST

/* ranges of any size, each with an optimiser of its own, give the bytes of the whole */
START_TEST(ranges_are_the_whole) {
    static const size_t CUTS[] = {0, 1, 30, 31, 97, 300};
    enum { PARTS = sizeof CUTS / sizeof *CUTS };
    optimiser *o, *part[PARTS];
    twin w = twin_make(), whole = twin_make();
    ck_ok(optimiser_create(&c, &RULES[_i], 0, w.n, &o));
    for (int k = 0; k < PARTS; k++)
        ck_ok(optimiser_create(&c, &RULES[_i], CUTS[k],
                               (k + 1 < PARTS ? CUTS[k + 1] : w.n) - CUTS[k], &part[k]));
    for (int t = 1; t <= STEPS; t++) {
        twin_gradient(&w, t);
        optimiser_step(o, whole.p, w.g, NULL, 1e-2, 0.9);
        for (int k = 0; k < PARTS; k++)
            optimiser_step(part[k], w.p + CUTS[k], w.g + CUTS[k], NULL, 1e-2, 0.9);
    }
    ck_assert(memcmp(w.p, whole.p, w.n * sizeof *w.p) == 0);
    optimiser_destroy(&o);
    for (int k = 0; k < PARTS; k++)
        optimiser_destroy(&part[k]);
    twin_free(&w);
    twin_free(&whole);
}
END_TEST

/* Steps that know which rows of the word embeddings have a gradient give the bytes of steps that do
 * not: rows that wake late or never, moments that came from a checkpoint; rows that are late are
 * whole when they are asked for, and in the end. */
static void check_rows(optimiser *o, const twin *w, const twin *whole, const char *rows) {
    size_t H = (size_t)c.H;
    for (int32_t v = 0; v < c.V; v++) {
        size_t at = (size_t)v * H;
        if (v % 2)
            optimiser_catch_up(o, w->p, &v, 1);
        if (v % 2 || rows[v])
            ck_assert(memcmp(w->p + at, whole->p + at, H * sizeof *w->p) == 0);
    }
    size_t words = (size_t)c.V * H;
    ck_assert(memcmp(w->p + words, whole->p + words, (w->n - words) * sizeof *w->p) == 0);
}

START_TEST(sleeping_rows_are_the_whole) {
    enum { WAKE = STEPS / 2, LONG = 5 * OPTIMISER_LATE };
    optimiser *dense, *sparse, *later;
    twin w = twin_make(), whole = twin_make();
    size_t H = (size_t)c.H;
    char *rows = calloc((size_t)c.V, 1);
    ck_ok(optimiser_create(&c, &RULES[_i], 0, w.n, &dense));
    ck_ok(optimiser_create(&c, &RULES[_i], 0, w.n, &sparse));
    ck_ok(optimiser_create(&c, &RULES[_i], 0, w.n, &later));
    for (int t = 1; t <= LONG; t++) {
        twin_gradient(&w, t);
        for (int v = 0; v < c.V; v++) {
            rows[v] = v % 3 == t % 2 || (v == 1 && t > WAKE);
            if (!rows[v])
                memset(w.g + (size_t)v * H, 0, H * sizeof *w.g);
        }
        if (t == WAKE) {
            optimiser *o = sparse;
            optimiser_settle(o, w.p);
            if (o->m != NULL)
                memcpy(later->m, o->m, o->n * sizeof *o->m);
            if (o->v != NULL)
                memcpy(later->v, o->v, o->n * sizeof *o->v);
            later->step = o->step;
            sparse = later;
            later = o;
            optimiser_wake(sparse);
        }
        optimiser_step(dense, whole.p, w.g, NULL, 1e-2 / t, 0.9);
        optimiser_step(sparse, w.p, w.g, rows, 1e-2 / t, 0.9);
        check_rows(sparse, &w, &whole, rows);
        if (t > STEPS && t % 7)
            continue;
        optimiser_settle(sparse, w.p);
        ck_assert(memcmp(w.p, whole.p, w.n * sizeof *w.p) == 0);
        ck_assert(!dense->m || memcmp(sparse->m, dense->m, w.n * sizeof *w.p) == 0);
        ck_assert(!dense->v || memcmp(sparse->v, dense->v, w.n * sizeof *w.p) == 0);
    }
    free(rows);
    optimiser_destroy(&dense);
    optimiser_destroy(&sparse);
    optimiser_destroy(&later);
    twin_free(&w);
    twin_free(&whole);
}
END_TEST

/* a parameter whose gradient is 0 and that does not decay stays as it is */
START_TEST(nothing_moves_without_gradient) {
    optimiser *o;
    optimiser_rule rule = optimiser_adamw(0.0);
    twin w = twin_make();
    ck_ok(optimiser_create(&c, &rule, 0, w.n, &o));
    for (size_t i = 0; i < w.n; i++)
        w.p[i] = (float)i - 100.5f;
    w.g[17] = 3.0f;
    optimiser_step(o, w.p, w.g, NULL, 0.125, 1.0);
    for (size_t i = 0; i < w.n; i++)
        if (i != 17)
            ck_assert_float_eq(w.p[i], (float)i - 100.5f);
    ck_assert_float_eq_tol(w.p[17], 17.0f - 100.5f - 0.125f, 1e-5f); /* first step: the sign */
    optimiser_destroy(&o);
    twin_free(&w);
}
END_TEST

START_TEST(norm_and_clip) {
    enum { N = 5 * CLIP_BLOCK / 2 };
    static float g[N];
    double sum = 0.0, squares[3];
    for (int i = 0; i < N; i++) {
        g[i] = (float)(i - 11) * 0.37f;
        sum += (double)g[i] * (double)g[i];
    }
    ck_assert_double_eq_tol(gradient_norm(g, N), sqrt(sum), 1e-12 * sqrt(sum));
    clip_squares(squares, g, CLIP_BLOCK); /* as two ranks would, the second with the last blocks */
    clip_squares(squares + 1, g + CLIP_BLOCK, N - CLIP_BLOCK);
    ck_assert_double_eq(clip_root(squares, 3), gradient_norm(g, N));
    static const int WIDTHS[] = {20, 48, 64, 128};
    for (int k = 0; k < 4; k++) { /* rows, some of zeros */
        static float x[N];
        char rows[N] = {0};
        size_t width = (size_t)WIDTHS[k], V = N / width;
        memset(x, 0, sizeof x);
        for (size_t v = 0; v < V; v++)
            if ((rows[v] = v % 5 == 1 || v % 7 == 0))
                memcpy(x + v * width, g + v * width, width * sizeof *x);
        double whole[3], some[3] = {0};
        clip_squares(whole, x, N);
        ck_assert_uint_eq(clip_rows(some, x, V, width, rows), V * width / CLIP_BLOCK * CLIP_BLOCK);
        for (size_t i = 0; i < V * width / CLIP_BLOCK; i++)
            ck_assert_double_eq(some[i], whole[i]);
    }
    g[30] = NAN;
    ck_assert_double_nan(gradient_norm(g, N));
    ck_assert_double_eq(clip_scale(0.5, 1.0), 1.0);
    ck_assert_double_eq(clip_scale(4.0, 1.0), 1.0 / (4.0 + 1e-6));
    ck_assert_double_eq(clip_scale(1e9, 0.0), 1.0); /* 0: no clipping */
}
END_TEST

START_TEST(schedule) {
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 0, 100, 0.1, 2.0), 0.0);
    ck_assert_double_eq_tol(schedule_rate(SCHEDULE_LINEAR, 5, 100, 0.1, 2.0), 1.0, 1e-15);
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 10, 100, 0.1, 2.0), 2.0);
    ck_assert_double_eq_tol(schedule_rate(SCHEDULE_LINEAR, 55, 100, 0.1, 2.0), 1.0, 1e-15);
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 100, 100, 0.1, 2.0), 0.0);
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 0, 4, 0.0, 2.0), 2.0); /* no warm-up */
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 3, 4, 1.0, 2.0),
                        1.5); /* nothing but warm-up */
    ck_assert_double_eq(schedule_rate(SCHEDULE_LINEAR, 0, 1, 0.1, 2.0),
                        2.0); /* one step: no room for either */
}
END_TEST

/* transformers.optimization: get_linear_, get_cosine_ and get_constant_schedule_with_warmup */
static double reference_schedule(schedule_kind k, int step, int steps, int rise) {
    if (step < rise)
        return (double)step / fmax(1.0, rise);
    double progress = (double)(step - rise) / fmax(1.0, steps - rise);
    if (k == SCHEDULE_LINEAR)
        return fmax(0.0, (double)(steps - step) / fmax(1.0, steps - rise));
    return k == SCHEDULE_COSINE ? fmax(0.0, 0.5 * (1.0 + cos(acos(-1.0) * 2.0 * 0.5 * progress)))
                                : 1.0;
}

START_TEST(schedules_are_reference) {
    for (int k = SCHEDULE_LINEAR; k <= (int)SCHEDULE_CONSTANT; k++)
        for (int steps = 1; steps < 40; steps++)
            for (int step = 0; step < steps; step++)
                ck_assert_double_eq_tol(
                    schedule_rate((schedule_kind)k, step, steps, 0.25, 3.0),
                    3.0 * reference_schedule((schedule_kind)k, step, steps, steps / 4), 1e-14);
}
END_TEST

START_TEST(words_are_parsed) {
    optimiser_kind o;
    schedule_kind s;
    ck_ok(optimiser_parse("adam", &o));
    ck_assert_int_eq(o, OPTIMISER_ADAM);
    ck_ok(schedule_parse("constant", &s));
    ck_assert_int_eq(s, SCHEDULE_CONSTANT);
    ck_assert_int_eq(optimiser_parse("", &o), ERR_USAGE);
    ck_assert_int_eq(schedule_parse("step", &s), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err_message(), "expected linear, cosine or constant"));
}
END_TEST

int main(void) {
    Suite *s = suite_create("optimiser");
    TCase *t = tcase_create("optimiser");
    tcase_add_loop_test(t, optimiser_is_reference, 0, RULE_COUNT);
    tcase_add_loop_test(t, sleeping_rows_are_the_whole, 0, (int)(sizeof RULES / sizeof *RULES));
    tcase_add_loop_test(t, ranges_are_the_whole, 0, RULE_COUNT);
    tcase_add_test(t, nothing_moves_without_gradient);
    tcase_add_test(t, norm_and_clip);
    tcase_add_test(t, schedule);
    tcase_add_test(t, schedules_are_reference);
    tcase_add_test(t, words_are_parsed);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
