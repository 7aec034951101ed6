/* sums that do not depend on order or ranks, and are right */
#include "base/rng.h"
#include "mpi/agree.h"
#include "par/fixsum.h"
#include "par/node_sum.h"

#include <math.h>

enum { N = 200, TERMS = 60 };

static par *world;

/* term k of entry i; wide: magnitudes from 2^-70 to 2^30, else multiples of 2^-30 below 2^20 */
static double term(int k, int i, int wide) {
    rng_stream s = rng_open(7, RNG_TEST, (uint32_t)k, (uint32_t)i);
    double x = rng_uniform(&s) - 0.5;
    return wide ? ldexp(x, (int)rng_below(&s, 101) - 70) : floor(x * 0x1p50) * 0x1p-30;
}

static err add_terms(int64_t *acc, int first, int last, int step, int wide) {
    double x[N];
    for (int k = first; k != last; k += step) {
        for (int i = 0; i < N; i++)
            x[i] = term(k, i, wide);
        CALL(fixsum_add(acc, x, N));
    }
    return OK;
}

/* dealt out like cards, or backwards in one go: the same limbs, bit by bit */
START_TEST(any_order) {
    int64_t dealt[2 * N] = {0}, backwards[2 * N] = {0};
    err e = OK;
    for (int k = world->rank; k < TERMS && e == OK; k += world->size)
        e = add_terms(dealt, k, k + 1, 1, 1);
    ck_all_ok(world, e);
    ck_all_ok(world, fixsum_reduce(world, dealt, N));
    ck_all_ok(world, add_terms(backwards, TERMS - 1, -1, -1, 1));
    ck_all(world, memcmp(dealt, backwards, sizeof dealt) == 0);
}
END_TEST

/* terms that fixed point holds exactly: the sum is the exact one (64 bits), rounded once */
START_TEST(right) {
    int64_t acc[2 * N] = {0};
    double got[N];
    err e = OK;
    for (int k = world->rank; k < TERMS && e == OK; k += world->size)
        e = add_terms(acc, k, k + 1, 1, 0);
    ck_all_ok(world, e);
    ck_all_ok(world, fixsum_reduce(world, acc, N));
    fixsum_value(got, acc, N);
    int same = 1;
    for (int i = 0; i < N; i++) {
        __extension__ __int128 exact = 0;
        for (int k = 0; k < TERMS; k++)
            exact += (int64_t)(term(k, i, 0) * 0x1p30);
        same &= got[i] == (double)exact * 0x1p-30;
    }
    ck_all(world, same);
}
END_TEST

static const struct {
    double x, value;
} single[] = {
    {1.0, 1.0},
    {-1.0, -1.0},
    {0x1p-60, 0x1p-60},
    {-0x1p-60, -0x1p-60},
    {0x1.8p-61, 0x1p-60}, /* three quarters of a unit */
    {-0x1.8p-61, -0x1p-60},
    {0x1p-62, 0.0}, /* a quarter */
    {-0x1p-62, 0.0},
    {1e-300, 0.0},
    {-1e-300, 0.0},
    {0x1p41, 0x1p41},
    {-0x1p41, -0x1p41},
    {0x1.fffffffffffffp-8, 0x1.fffffffffffffp-8},
    {-0x1.fffffffffffffp-8, -0x1.fffffffffffffp-8},
};

START_TEST(rounds_to_nearest) {
    int64_t acc[2] = {0};
    double x;
    ck_all_ok(world, fixsum_add(acc, &single[_i].x, 1));
    fixsum_value(&x, acc, 1);
    ck_all(world, x == single[_i].value && acc[1] >= 0 && acc[1] < (int64_t)1 << 40);
}
END_TEST

/* far more terms than the low limb could take without carrying */
START_TEST(carries) {
    enum { MANY = 20000 };
    const double x[2] = {0x1p-20 - 0x1p-60, -0x1p-60};
    int64_t acc[4] = {0};
    double got[2];
    err e = OK;
    for (int k = 0; k < MANY && e == OK; k++)
        e = fixsum_add(acc, x, 2);
    ck_all_ok(world, e);
    ck_all_ok(world, fixsum_reduce(world, acc, 2));
    fixsum_value(got, acc, 2);
    double count = (double)MANY * world->size;
    ck_all(world, got[0] == count * (0x1p40 - 1) * 0x1p-60 && got[1] == -count * 0x1p-60);
    ck_all(world, acc[2] >= 0 && acc[2] < (int64_t)1 << 40 && acc[3] >= 0);
}
END_TEST

START_TEST(refuses) {
    const double bad[] = {NAN, INFINITY, -INFINITY, 0x1.0000001p41, -0x1p42, 1e300};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t acc[6] = {0};
        const double x[3] = {1, bad[i], 2};
        ck_all(world, fixsum_add(acc, x, 3) == ERR_FAILED);
    }
    int64_t acc[2] = {0};
    const double half = 0x1.8p40;
    ck_all_ok(world, fixsum_add(acc, &half, 1));
    ck_all(world, fixsum_add(acc, &half, 1) == ERR_FAILED);
}
END_TEST

/* a sum that fits every rank but not all together: an error on all, not a wrapped number */
START_TEST(refuses_over_ranks) {
    int64_t acc[2] = {0};
    const double x = world->rank == 0 ? 0x1p41 : 1;
    ck_all_ok(world, fixsum_add(acc, &x, 1));
    err e = fixsum_reduce(world, acc, 1);
    ck_all(world, e == (world->size == 1 ? OK : ERR_FAILED));
}
END_TEST

/* long enough for a node's block, in many pieces, the last one short; on one node and as if on
 * several, full ones and less full ones */
START_TEST(long_arrays) {
    enum { LONG = 3 << 20 };
    size_t n = LONG + 4321;
    int64_t *x = malloc(n * sizeof *x), ranks = world->size;
    int same = x != NULL;
    ck_all(world, same);
    for (size_t i = 0; i < n; i++)
        x[i] = ((int64_t)i << 20) * (world->rank % 2 ? -1 : 2) + world->rank;
    ck_all_ok(world, node_sum_i64_as(world, x, n, _i));
    int64_t twos = (ranks + 1) / 2, ones = ranks / 2;
    for (size_t i = 0; i < n; i++)
        same &= x[i] == ((int64_t)i << 20) * (2 * twos - ones) + ranks * (ranks - 1) / 2;
    ck_all(world, same);
    free(x);
}
END_TEST

static float gradient(int k, int i) {
    rng_stream s = rng_open(8, RNG_TEST, (uint32_t)k, (uint32_t)i);
    float x = (float)(rng_uniform(&s) - 0.5);
    return ldexpf(x, (int)rng_below(&s, 41) - 30);
}

START_TEST(gradients) {
    int64_t dealt[N] = {0};
    float x[N], got[N];
    int bad = 0;
    for (int k = world->rank; k < TERMS; k += world->size) {
        for (int i = 0; i < N; i++)
            x[i] = gradient(k, i);
        fixsum_add_f32(dealt, x, N, &bad);
    }
    ck_all_ok(world, fixsum_reduce_f32(world, dealt, N));
    fixsum_value_f32(got, dealt, N);
    int same = 1;
    for (int i = 0; i < N; i++) {
        __extension__ __int128 exact = 0; /* in units of 2^-44, each term to nearest */
        for (int k = 0; k < TERMS; k++)
            exact += (int64_t)nearbyint((double)gradient(k, i) * 0x1p44);
        same &= got[i] == (float)exact * 0x1p-44f;
    }
    ck_all(world, !bad && same);
}
END_TEST

START_TEST(gradients_refuse) {
    const float terms[] = {NAN, INFINITY, -INFINITY, 0x1.000002p12f, 4096.0f, -4096.0f, -1e-30f};
    for (int i = 0; i < 7; i++) {
        int64_t acc[3] = {5, 5, 5};
        const float x[3] = {0x1p-44f, terms[i], 0x1p-44f};
        int bad = 0;
        fixsum_add_f32(acc, x, 3, &bad);
        ck_all(world, bad == (i < 4) && acc[0] == 5 + (i >= 4) && acc[2] == acc[0]);
        ck_all(world, acc[1] - 5 == (i == 4 ? (int64_t)1 << 56 : i == 5 ? -((int64_t)1 << 56) : 0));
    }
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("fixsum");
    tcase_add_test(t, any_order);
    tcase_add_test(t, right);
    tcase_add_loop_test(t, rounds_to_nearest, 0, sizeof single / sizeof *single);
    tcase_add_test(t, carries);
    tcase_add_test(t, refuses);
    tcase_add_test(t, refuses_over_ranks);
    tcase_add_loop_test(t, long_arrays, 0, 4);
    tcase_add_test(t, gradients);
    tcase_add_test(t, gradients_refuse);
    return agree_run("fixsum", t, &world);
}
