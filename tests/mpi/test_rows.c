/* pruning one stage over ranks, by every method, share and pattern: the same bytes as one rank
 * alone, masks with the counts that were asked for, errors that say what is wrong */
#include "base/clock.h"
#include "mpi/agree.h"
#include "prune/obs.h"
#include "prune/rows.h"
#include "spd.h"

static par *world;
static const par alone = {.size = 1}; /* par_alone() */

enum { D = 24, T = 150, LINEARS = 3, M = 13, RESULTS = 3 };
static const int linear_rows[LINEARS] = {5, 1, 7};
/* not in order, and not the same for every linear */
static const double sparsity[RESULTS * LINEARS] = {0.5, 0.25, 0.5, 0.875, 0.9, 0.8, 0.0, 0.3, 0.29};

typedef struct stage {
    hessian *h;
    refit r;
    double *dense;
    float bias[M];
} stage;

/* sums of correlated inputs with a mean, one of them dead */
static stage make_stage(int bias) {
    stage s = {0};
    double *x = spd_random(1, T * (D + 1)), *y = malloc(sizeof *y * T * M);
    s.dense = spd_random(2, M * D);
    for (int t = 0; t < T; t++) {
        double *row = x + t * (D + 1);
        for (int i = 1; i < D; i++)
            row[i] += 0.7 * row[i - 1] + 0.1;
        row[11] = 0.0;
        row[D] = 1.0;
        for (int r = 0; r < M; r++) {
            y[t * M + r] = 0.0;
            for (int i = 0; i < D; i++)
                y[t * M + r] += s.dense[r * D + i] * row[i];
        }
    }
    for (int r = 0; r < M; r++)
        s.bias[r] = 0.01f * (float)r;
    ck_assert_int_eq(hessian_create(D, M, NULL, &s.h), OK);
    ck_assert_int_eq(hessian_add(s.h, x, y, T), OK);
    ck_assert_int_eq(hessian_reduce(s.h, &alone), OK);
    refit_job j = {.own = s.h,
                   .obs = s.h,
                   .dense = s.dense,
                   .target = bias ? TARGET_ADAPTIVE : TARGET_DENSE,
                   .bias = bias,
                   .inverse = 1,
                   .damping = 1e-4,
                   .factorisation = "local"};
    ck_assert_int_eq(refit_make(&alone, &j, &s.r), OK);
    free(x);
    free(y);
    return s;
}

static void stage_free(stage *s) {
    hessian_destroy(&s->h);
    refit_free(&s->r);
    free(s->dense);
}

static const struct {
    rows_method method;
    rows_share share;
    pattern pattern;
    int refit, exact, swaps;
} cases[] = {
    {ROWS_OBS, SHARE_AUTO, {0, 0, 1}, 0, 1, 0},
    {ROWS_OBS, SHARE_AUTO, {0, 0, 1}, 0, 0, 0},
    {ROWS_OBS, SHARE_ROW, {0, 0, 1}, 1, 0, 5},
    {ROWS_OBS, SHARE_LINEAR, {0, 0, 1}, 0, 1, 0},
    {ROWS_OBS, SHARE_LINEAR, {0, 0, 1}, 0, 0, 0},
    {ROWS_OBS, SHARE_AUTO, {2, 4, 1}, 0, 1, 0},
    {ROWS_OBS, SHARE_AUTO, {3, 8, 1}, 1, 0, 3},
    {ROWS_SPARSEGPT, SHARE_AUTO, {0, 0, 1}, 0, 0, 0},
    {ROWS_SPARSEGPT, SHARE_ROW, {0, 0, 1}, 1, 0, 0},
    {ROWS_SPARSEGPT, SHARE_AUTO, {4, 8, 1}, 0, 0, 0},
    {ROWS_WANDA, SHARE_AUTO, {0, 0, 1}, 0, 0, 0},
    {ROWS_WANDA, SHARE_LINEAR, {0, 0, 1}, 0, 0, 4},
    {ROWS_WANDA, SHARE_AUTO, {1, 4, 1}, 0, 0, 0},
    {ROWS_MAGNITUDE, SHARE_AUTO, {0, 0, 1}, 0, 0, 0},
    {ROWS_MAGNITUDE, SHARE_ROW, {0, 0, 1}, 1, 0, 0},
    {ROWS_MAGNITUDE, SHARE_AUTO, {2, 4, 1}, 0, 0, 0},
    {ROWS_RANDOM, SHARE_AUTO, {0, 0, 1}, 0, 0, 0},
    {ROWS_RANDOM, SHARE_LINEAR, {0, 0, 1}, 0, 0, 0},
    {ROWS_RANDOM, SHARE_AUTO, {2, 4, 1}, 0, 0, 0},
    {ROWS_OBS, SHARE_AUTO, {1, 2, 3}, 0, 0, 0},
    {ROWS_SPARSEGPT, SHARE_AUTO, {2, 4, 3}, 0, 0, 0},
    {ROWS_MAGNITUDE, SHARE_AUTO, {1, 3, 4}, 1, 0, 0},
    {ROWS_WANDA, SHARE_AUTO, {1, 2, 6}, 0, 0, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static rows_request request_of(int i) {
    return (rows_request){.method = cases[i].method,
                          .sparsity = sparsity,
                          .n = cases[i].pattern.of ? 1 : RESULTS,
                          .linear_rows = linear_rows,
                          .linears = LINEARS,
                          .pattern = cases[i].pattern,
                          .share = cases[i].share,
                          .exact = cases[i].exact,
                          .swaps = cases[i].swaps,
                          .refit = cases[i].refit,
                          .damping = 1e-4,
                          .seed = 7,
                          .site = 3};
}

static int same(const pruned_rows *a, const pruned_rows *b) {
    return memcmp(a->w, b->w, sizeof *a->w * M * D) == 0 &&
           memcmp(a->shift, b->shift, sizeof *a->shift * M) == 0 &&
           memcmp(a->error, b->error, sizeof *a->error * M) == 0 &&
           memcmp(a->removed, b->removed, sizeof *a->removed * M) == 0 &&
           memcmp(a->swapped, b->swapped, sizeof *a->swapped * M) == 0;
}

static int64_t zeros(const float *w, int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += w[i] == 0.0f;
    return sum;
}

/* zeros are where they were removed (and the dead input's), as many as were asked for */
static int counted(const pruned_rows *r, const rows_request *q, int j) {
    int ok = 1, by_linear = q->share == SHARE_LINEAR ||
                            (q->share == SHARE_AUTO &&
                             (q->method == ROWS_MAGNITUDE || q->method == ROWS_SPARSEGPT));
    for (int l = 0, row = 0; l < LINEARS; l++) {
        double s = sparsity[j * LINEARS + l];
        int64_t all = 0, each = obs_removals(s, D), want = obs_removals(s, linear_rows[l] * D);
        if (q->pattern.of)
            each = pattern_removals(q->pattern, D);
        for (int i = 0; i < linear_rows[l]; i++, row++) {
            int64_t z = zeros(r->w + row * D, D);
            ok &= z == r->removed[row] || z == r->removed[row] + 1;
            ok &= (by_linear && !q->pattern.of) || r->removed[row] == each;
            all += r->removed[row];
            int span = pattern_span(q->pattern), C = pattern_block(q->pattern);
            for (int g = 0; span && g < D; g += span) {
                int gone = 0;
                for (int b = 0; b < q->pattern.of; b++)
                    gone += zeros(r->w + row * D + g + b * C, C) == C;
                ok &= gone >= q->pattern.of - q->pattern.keep;
            }
        }
        ok &= !by_linear || q->pattern.of || all == want;
    }
    return ok;
}

START_TEST(same_bytes_on_any_ranks) {
    for (int bias = 0; bias < 2; bias++) {
        stage s = make_stage(bias);
        rows_request q = request_of(_i);
        pruned_rows together[RESULTS], own[RESULTS];
        ck_all_ok(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &q, together));
        ck_all_ok(world, rows_prune(&alone, &s.r, s.h, s.h, s.bias, &q, own));
        for (int j = 0; j < q.n; j++) {
            ck_all(world, same(&together[j], &own[j]));
            ck_all(world, counted(&own[j], &q, j));
            rows_free(&together[j]);
            rows_free(&own[j]);
        }
        stage_free(&s);
    }
}
END_TEST

/* what a rank does before its rows */
typedef struct errand {
    int done;
    err result;
    double seconds;
} errand;

static err go_on_errand(void *with) {
    errand *a = with;
    double start = clock_now();
    a->done++;
    while (clock_now() < start + a->seconds)
        ;
    if (a->result != OK)
        err_set("lost on the way", "here");
    return a->result;
}

/* a late rank changes nothing, whatever the method; it is called once */
START_TEST(meanwhile) {
    stage s = make_stage(1);
    errand a = {.seconds = world->rank == world->size - 1 ? 0.02 : 0.0};
    rows_request q = request_of(_i), plain = q;
    pruned_rows late[RESULTS], own[RESULTS];
    q.meanwhile = go_on_errand;
    q.with = &a;
    ck_all_ok(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &q, late));
    ck_all_ok(world, rows_prune(&alone, &s.r, s.h, s.h, s.bias, &plain, own));
    ck_all(world, a.done == 1);
    for (int j = 0; j < q.n; j++) {
        ck_all(world, same(&late[j], &own[j]));
        rows_free(&late[j]);
        rows_free(&own[j]);
    }
    stage_free(&s);
}
END_TEST

/* one that fails on one rank fails all of them; also where nothing is removed */
START_TEST(meanwhile_fails) {
    static const double none[RESULTS * LINEARS] = {0};
    stage s = make_stage(1);
    errand a = {.result = world->rank == world->size - 1 ? ERR_IO : OK};
    rows_request q = request_of(_i);
    pruned_rows out[RESULTS];
    q.meanwhile = go_on_errand;
    q.with = &a;
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &q, out) == ERR_IO);
    ck_all(world, strcmp(err_message(), "lost on the way") == 0 && a.done == 1);
    q.sparsity = none;
    q.pattern = (pattern){0};
    q.swaps = 0;
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &q, out) == ERR_IO && a.done == 2);
    stage_free(&s);
}
END_TEST

START_TEST(refused) {
    stage s = make_stage(0);
    pruned_rows out[RESULTS];
    double wrong[RESULTS * LINEARS] = {0.5, 1.5};
    rows_request q = request_of(0), bad = q;
    bad.sparsity = wrong;
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &bad, out) == ERR_USAGE);
    ck_all(world, strstr(err_message(), "sparsity 1.5") != NULL);
    bad = q;
    bad.n = 1;
    bad.pattern = (pattern){2, 5, 1};
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &bad, out) == ERR_USAGE);
    ck_all(world, strstr(err_message(), "2:5 does not divide 24") != NULL);
    bad.pattern = (pattern){1, 2, 2};
    bad.swaps = 1;
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &bad, out) == ERR_USAGE);
    ck_all(world, strstr(err_message(), "would break the blocks of 2 inputs") != NULL);
    bad = q;
    bad.linears = 2;
    ck_all(world, rows_prune(world, &s.r, s.h, s.h, s.bias, &bad, out) == ERR_USAGE);
    rows_method m;
    ck_assert_int_eq(rows_method_of("wanda", &m), OK);
    ck_assert_int_eq(m, ROWS_WANDA);
    ck_assert_int_eq(rows_method_of("wander", &m), ERR_USAGE);
    stage_free(&s);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, same_bytes_on_any_ranks, 0, CASES);
    tcase_add_loop_test(t, meanwhile, 0, CASES);
    tcase_add_loop_test(t, meanwhile_fails, 0, CASES);
    tcase_add_test(t, refused);
    return agree_run("rows", t, &world);
}
