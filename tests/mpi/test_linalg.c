/* linalg over ranks: ScaLAPACK on ragged blocks against LAPACK and against plain elimination,
 * damping that is raised and recorded, the same bytes on every rank */
#include "io/hash.h"
#include "linalg/linalg.h"
#include "mpi/agree.h"
#include "spd.h"

static par *world;

/* orders around multiples of the block side 64, so that some ranks hold nothing or ragged parts */
static const int ORDERS[] = {1, 5, 63, 64, 65, 150, 200, 257};
static const char *const WAYS[] = {"local", "distributed", "auto"};

/* 1 if these bytes are the same on every rank */
static int same_everywhere(const void *bytes, size_t n) {
    int64_t mine[2];
    mine[0] = (int64_t)(hash_u64(bytes, n) >> 1);
    mine[1] = -mine[0];
    return par_max_i64(world, mine, 2) == OK && mine[0] == -mine[1];
}

START_TEST(both_ways_agree) {
    size_t d = (size_t)ORDERS[_i], m = 70;
    double *a = spd_make(1, d, 1e-3), *b = spd_random(2, m * d);
    double *want = spd_inverse(a, d), *solution = spd_solve(a, b, d, m);
    double *inverse = malloc(d * d * sizeof *inverse), *x = malloc(m * d * sizeof *x);
    double condition = spd_norm(a, d) * spd_norm(want, d);
    for (size_t w = 0; w < sizeof WAYS / sizeof *WAYS; w++) {
        linalg_report r;
        memcpy(x, b, m * d * sizeof *x);
        memset(inverse, 0, d * d * sizeof *inverse);
        ck_all_ok(world, linalg_spd(world, inverse, x, (int)m, a, (int)d, 0.0, WAYS[w], &r));
        /* condition numbers here stay below 1e5: 1e-11 is a millionfold of float64's rounding */
        ck_all(world, spd_distance(inverse, want, d * d) < 1e-11);
        ck_all(world, spd_distance(x, solution, m * d) < 1e-11);
        ck_all(world, same_everywhere(inverse, d * d * sizeof *inverse));
        ck_all(world, same_everywhere(x, m * d * sizeof *x));
        ck_all(world, strcmp(r.factorisation, w == 1 ? "distributed" : "local") == 0);
        ck_all(world, r.retries == 0 && r.ridge == 0.0 && r.residual < 1e-11);
        ck_all(world, condition < 1e5 && fabs(r.condition / condition - 1.0) < 1e-9);
        ck_all_ok(world, linalg_spd(world, NULL, x, (int)m, a, (int)d, 0.0, WAYS[w], &r));
        ck_all(world, r.condition < condition * (1.0 + 1e-9) && r.condition > 0.05 * condition);
    }
    free(a);
    free(b);
    free(want);
    free(solution);
    free(inverse);
    free(x);
}
END_TEST

/* every grid of the ranks that there are, and of fewer: ragged blocks, an inverse that a node holds
 * once, ranks that only wait */
START_TEST(grids) {
    static const int GRIDS[][2] = {{1, 1}, {1, 2}, {2, 1}, {1, 3}, {3, 1},
                                   {2, 2}, {4, 1}, {2, 3}, {3, 2}};
    size_t d = (size_t)ORDERS[_i], m = 67;
    double *a = spd_make(1, d, 1e-3), *b = spd_random(2, m * d);
    double *want = malloc(d * d * sizeof *want), *solution = malloc(m * d * sizeof *solution);
    double *x = malloc(m * d * sizeof *x), *inverse = malloc(d * d * sizeof *inverse);
    linalg_report local, r;
    memcpy(solution, b, m * d * sizeof *x);
    ck_all_ok(world, linalg_spd(world, want, solution, (int)m, a, (int)d, 1e-3, "local", &local));
    for (size_t g = 0; g < sizeof GRIDS / sizeof *GRIDS; g++) {
        char how[32];
        int fits = GRIDS[g][0] * GRIDS[g][1] <= world->size;
        snprintf(how, sizeof how, "distributed %dx%d", GRIDS[g][0], GRIDS[g][1]);
        ck_all(world, linalg_check(world, how) == (fits ? OK : ERR_USAGE));
        ck_all(world, fits || strstr(err_message(), "start more ranks") != NULL);
        memcpy(x, b, m * d * sizeof *x);
        err e = linalg_spd(world, inverse, x, (int)m, a, (int)d, 1e-3, how, &r);
        ck_all(world, e == (fits ? OK : ERR_USAGE));
        if (!fits)
            continue;
        ck_all(world, spd_distance(inverse, want, d * d) < 1e-10);
        ck_all(world, spd_distance(x, solution, m * d) < 1e-10);
        ck_all(world, same_everywhere(inverse, d * d * sizeof *inverse));
        ck_all(world, same_everywhere(x, m * d * sizeof *x));
        ck_all(world, fabs(r.condition / local.condition - 1.0) < 1e-9 && r.ridge == 1e-3);
        shared *node;
        ck_all_ok(world, shared_create(world, d * d * sizeof *inverse, &node));
        ck_all_ok(world, linalg_spd_shared(world, node, NULL, 0, a, (int)d, 1e-3, how, &r));
        ck_all(world, memcmp(node->block, inverse, d * d * sizeof *inverse) == 0);
        shared_destroy(&node);
    }
    free(a);
    free(b);
    free(want);
    free(solution);
    free(x);
    free(inverse);
}
END_TEST

/* an inverse in the node's block, or in one for each rank: the bytes of an inverse of one's own */
START_TEST(shared_inverse) {
    size_t d = 150, m = 7;
    double *a = spd_make(1, d, 1e-3), *b = spd_random(2, m * d);
    double *want = malloc(d * d * sizeof *want), *x = malloc(m * d * sizeof *x),
           *y = malloc(m * d * sizeof *y);
    for (int own = 0; own < 2; own++)
        for (size_t w = 0; w < 2; w++) {
            linalg_report r, s;
            shared *node;
            memcpy(x, b, m * d * sizeof *x);
            memcpy(y, b, m * d * sizeof *y);
            ck_all_ok(world, own ? shared_create_own(world, d * d * sizeof *a, &node)
                                 : shared_create(world, d * d * sizeof *a, &node));
            ck_all_ok(world, linalg_spd(world, want, x, (int)m, a, (int)d, 0.1, WAYS[w], &r));
            ck_all_ok(world,
                      linalg_spd_shared(world, node, y, (int)m, a, (int)d, 0.1, WAYS[w], &s));
            ck_all(world, memcmp(node->block, want, d * d * sizeof *want) == 0);
            ck_all(world, memcmp(x, y, m * d * sizeof *x) == 0);
            ck_all(world, r.condition == s.condition && r.residual == s.residual);
            shared_destroy(&node);
        }
    free(a);
    free(b);
    free(want);
    free(x);
    free(y);
}
END_TEST

/* only what is asked for, with a ridge: the same bytes as both together */
START_TEST(parts) {
    size_t d = 130, m = 3;
    double *a = spd_make(3, d, 1e-3), *damped = spd_make(3, d, 0.501), *b = spd_random(4, m * d);
    double *both = malloc(d * d * sizeof *both), *alone = malloc(d * d * sizeof *alone);
    double *x = malloc(m * d * sizeof *x), *y = malloc(m * d * sizeof *y);
    double *want = spd_solve(damped, b, d, m);
    for (int w = 0; w < 2; w++) {
        linalg_report r;
        memcpy(x, b, m * d * sizeof *x);
        memcpy(y, b, m * d * sizeof *y);
        ck_all_ok(world, linalg_spd(world, both, x, (int)m, a, (int)d, 0.5, WAYS[w], &r));
        ck_all_ok(world, linalg_spd(world, alone, NULL, 0, a, (int)d, 0.5, WAYS[w], &r));
        ck_all(world, memcmp(both, alone, d * d * sizeof *both) == 0);
        ck_all_ok(world, linalg_spd(world, NULL, y, (int)m, a, (int)d, 0.5, WAYS[w], &r));
        ck_all(world, memcmp(x, y, m * d * sizeof *x) == 0);
        ck_all(world, isnan(r.residual) && r.ridge == 0.5);
        ck_all(world, spd_distance(x, want, m * d) < 1e-11);
    }
    free(a);
    free(damped);
    free(b);
    free(both);
    free(alone);
    free(x);
    free(y);
    free(want);
}
END_TEST

/* rank 1, so no factorisation without a ridge: the ridge is raised tenfold and recorded */
START_TEST(damping_is_raised) {
    size_t d = 100;
    double *v = spd_random(5, d), *a = malloc(d * d * sizeof *a),
           *inverse = malloc(d * d * sizeof *a);
    double diagonal = 0.0;
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++)
            a[i * d + k] = v[i] * v[k];
    for (size_t i = 0; i < d; i++)
        diagonal += v[i] * v[i] / (double)d;
    for (int w = 0; w < 2; w++) {
        linalg_report r;
        ck_all_ok(world, linalg_spd(world, inverse, NULL, 0, a, (int)d, 0.0, WAYS[w], &r));
        ck_all(world, r.retries > 0 && r.condition < 1e14);
        double want = 1e-10 * diagonal;
        for (int t = 1; t < r.retries; t++)
            want *= 10.0;
        ck_all(world, fabs(r.ridge / want - 1.0) < 1e-12);
        /* every try before was beyond repair: a tenth of this ridge conditions worse than 1e14 */
        ck_all(world, r.retries == 1 || (double)d * diagonal / (0.1 * r.ridge) > 1e12);
        ck_all_ok(world, linalg_spd(world, inverse, NULL, 0, a, (int)d, 1e-16, WAYS[w], &r));
        ck_all(world, r.retries > 0 && fabs(log10(r.ridge) + 16.0 - r.retries) < 1e-9);
    }
    free(v);
    free(a);
    free(inverse);
}
END_TEST

START_TEST(refused) {
    double hopeless[4] = {1.0, 1e9, 1e9, 1.0}, nan[4] = {1.0, 0.0, NAN, 1.0}, out[4];
    linalg_report r;
    for (int w = 0; w < 2; w++) {
        ck_all(world,
               linalg_spd(world, out, NULL, 0, hopeless, 2, 1e-6, WAYS[w], &r) == ERR_FAILED);
        ck_all(world, strstr(err_message(), "not positive definite") != NULL && r.retries == 8);
        ck_all(world, linalg_spd(world, out, NULL, 0, nan, 2, 1e-6, WAYS[w], &r) == ERR_FAILED);
        ck_all(world, strstr(err_message(), "not finite") != NULL);
    }
    static const char *const NONSENSE[] = {"sideways",       "distributed 0x1",
                                           "distributed 1x", "distributed 1x1x1",
                                           "locally",        "distributed -1x-1"};
    double one = 2.0;
    for (size_t i = 0; i < sizeof NONSENSE / sizeof *NONSENSE; i++) {
        ck_all(world, linalg_check(world, NONSENSE[i]) == ERR_USAGE);
        ck_all(world, linalg_spd(world, out, NULL, 0, &one, 1, 0.0, NONSENSE[i], &r) == ERR_USAGE);
    }
}
END_TEST

/* contexts are given back: many factorisations in one run */
START_TEST(contexts_are_freed) {
    double *a = spd_make(6, 20, 1e-3), *inverse = malloc(400 * sizeof *inverse);
    linalg_report r;
    for (int i = 0; i < 300; i++)
        ck_all_ok(world, linalg_spd(world, inverse, NULL, 0, a, 20, 0.0, "distributed", &r));
    free(a);
    free(inverse);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("linalg");
    tcase_add_loop_test(t, both_ways_agree, 0, sizeof ORDERS / sizeof *ORDERS);
    tcase_add_loop_test(t, grids, 0, sizeof ORDERS / sizeof *ORDERS);
    tcase_add_test(t, shared_inverse);
    tcase_add_test(t, parts);
    tcase_add_test(t, damping_is_raised);
    tcase_add_test(t, refused);
    tcase_add_test(t, contexts_are_freed);
    return agree_run("linalg", t, &world);
}
