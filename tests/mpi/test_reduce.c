/* the sum of shards' gradients: bit for bit what a slow recursion over all shards gives, on any
 * number of ranks; and messages between ranks. */
#include "base/arena.h"
#include "mpi/agree.h"
#include "toy.h"
#include "train/clip.h"
#include "train/reduce.h"

#include <math.h>

static par *world;
static const par self = {.size = 1}; /* par_alone() */

enum { SHARDS = 9, WORDS = 5 };

/* the word embeddings alone are several chunks of a range on up to four ranks */
static const encoder_config LARGE = {
    .V = 20000, .H = 64, .L = 1, .A = 2, .F = 64, .P = 8, .Y = 2, .K = 2, .norm_eps = 1e-12f};

/* element i of shard s's gradient: of very different sizes, so that the order of addition shows */
static float element(int s, size_t i) {
    uint32_t u[4];
    rng_block(7, RNG_TEST, (uint32_t)s, (uint32_t)(i >> 32), (uint32_t)i, u);
    return ldexpf(rng_float(u[0]) - 0.5f, (int)(u[1] % 12));
}

/* the word embeddings that shard s touches: some in common with its neighbours */
static void touched(int s, int V, int32_t ids[WORDS]) {
    for (int k = 0; k < WORDS; k++)
        ids[k] = (s / 2 * 7 + k * (s + 3) + 5) % V;
}

static void fill(const encoder_config *c, int s, int sparse, float *x) {
    size_t n = encoder_count(c), H = (size_t)c->H, words = (size_t)c->V * H;
    int32_t ids[WORDS];
    touched(s, c->V, ids);
    for (size_t i = sparse ? words : 0; i < n; i++)
        x[i] = element(s, i);
    for (int k = 0; k < WORDS; k++)
        for (size_t j = 0; j < H; j++)
            x[(size_t)ids[k] * H + j] = element(s, (size_t)ids[k] * H + j);
}

/* shards lo .. hi - 1 by the definition: the largest power of two below, and the others; x (n) and
 * hi - lo blocks of n behind it */
static void reference(const encoder_config *c, int lo, int hi, int sparse, float *x) {
    size_t n = encoder_count(c);
    int mid = lo + 1;
    if (hi - lo == 1) {
        memset(x, 0, n * sizeof *x);
        fill(c, lo, sparse, x);
        return;
    }
    while (2 * (mid - lo) < hi - lo)
        mid += mid - lo;
    reference(c, lo, mid, sparse, x);
    reference(c, mid, hi, sparse, x + n);
    for (size_t i = 0; i < n; i++)
        x[i] += x[n + i];
}

static err reduce(reducer *r, const encoder_config *c, int n_shards, int sparse, float *whole,
                  double *norm) {
    int end;
    int32_t ids[WORDS];
    float *sum;
    size_t first, n;
    for (int s = reducer_begin(r, n_shards, &end); s < end; s++) {
        float *x = reducer_open(r);
        touched(s, c->V, ids);
        reducer_touch(r, ids, WORDS);
        fill(c, s, sparse, x);
        reducer_close(r);
    }
    CALL(reducer_sum(r, &sum));
    CALL(reducer_norm(r, sum, norm));
    reducer_range(r, &first, &n);
    memset(whole, 0, encoder_count(c) * sizeof *whole);
    memcpy(whole + first, sum, n * sizeof *sum);
    return reducer_share(r, whole);
}

static void compare(const encoder_config *c, int from, int sparse) {
    size_t n = encoder_count(c);
    reducer *r, *one;
    float *want, *got;
    double norm, alone;
    ck_ok(mem_alloc(n * (SHARDS + 1), sizeof *want, &want));
    ck_ok(mem_alloc(n, sizeof *got, &got));
    ck_ok(reducer_create(world, c, SHARDS, sparse, &r));
    ck_ok(reducer_create(&self, c, SHARDS, sparse, &one));
    for (int s = from; s <= SHARDS; s++) { /* the same reducer again: nothing stays behind */
        reference(c, 0, s, sparse, want);
        ck_all_ok(world, reduce(one, c, s, sparse, got, &alone));
        ck_all(world, memcmp(got, want, n * sizeof *got) == 0);
        ck_all_ok(world, reduce(r, c, s, sparse, got, &norm));
        ck_all(world, memcmp(got, want, n * sizeof *got) == 0);
        ck_all(world, norm == alone && norm == gradient_norm(want, n));
    }
    reducer_destroy(&r);
    reducer_destroy(&one);
    free(want);
    free(got);
}

START_TEST(sums_are_the_reference) {
    encoder_config c = toy_config(2, 0);
    compare(&c, 1, 0);
}
END_TEST

START_TEST(sparse_sums_are_the_reference) {
    encoder_config c = toy_config(2, 0);
    compare(&c, 1, 1);
}
END_TEST

START_TEST(long_ranges_go_in_chunks) {
    compare(&LARGE, SHARDS - 1, _i);
}
END_TEST

START_TEST(ranges_are_gathered_and_scattered) {
    encoder_config c = toy_config(2, 0);
    size_t n = encoder_count(&c), first, count, next = 0;
    reducer *r;
    float *x, *whole, *back;
    ck_ok(reducer_create(world, &c, 1, 0, &r));
    for (int q = 0; q < world->size; q++) { /* the ranges are a partition */
        reducer_range_of(r, q, &first, &count);
        ck_all(world, first == next);
        next = first + count;
    }
    ck_all(world, next == n);
    reducer_range(r, &first, &count);
    ck_ok(mem_alloc(count + 1, sizeof *x, &x));
    ck_ok(mem_alloc(count + 1, sizeof *back, &back));
    ck_ok(mem_alloc(n, sizeof *whole, &whole));
    for (size_t i = 0; i < count; i++)
        x[i] = element(0, first + i);
    ck_all_ok(world, reducer_gather(r, x, world->rank == 0 ? whole : NULL));
    int good = 1;
    for (size_t i = 0; i < n && world->rank == 0; i++)
        good &= whole[i] == element(0, i);
    ck_all(world, good);
    ck_all_ok(world, reducer_scatter(r, world->rank == 0 ? whole : NULL, back));
    ck_all(world, memcmp(x, back, count * sizeof *x) == 0);
    reducer_destroy(&r);
    free(x);
    free(back);
    free(whole);
}
END_TEST

/* every rank sends two messages of its own lengths, some empty, to every other */
START_TEST(messages_arrive_in_order) {
    enum { MOST = 8, LENGTH = 1000 };
    static int32_t out[LENGTH], in[MOST][2][LENGTH];
    par_message send[2 * MOST], recv[2 * MOST];
    int n = 0;
    ck_all(world, world->size <= MOST);
    for (int i = 0; i < LENGTH; i++)
        out[i] = world->rank * LENGTH + i;
    for (int q = 0; q < world->size; q++)
        for (int k = 0; k < 2 && q != world->rank; k++) {
            size_t mine = (size_t)(world->rank * 100 + k * 7), theirs = (size_t)(q * 100 + k * 7);
            send[n] = (par_message){q, out + k, mine * sizeof *out};
            recv[n++] = (par_message){q, in[q][k], theirs * sizeof *out};
        }
    ck_all_ok(world, par_exchange(world, send, n, recv, n));
    int good = 1;
    for (int q = 0; q < world->size; q++)
        for (int k = 0; k < 2 && q != world->rank; k++)
            for (int i = 0; i < q * 100 + k * 7; i++)
                good &= in[q][k][i] == q * LENGTH + k + i;
    ck_all(world, good);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("reduce");
    tcase_add_test(t, sums_are_the_reference);
    tcase_add_test(t, sparse_sums_are_the_reference);
    tcase_add_loop_test(t, long_ranges_go_in_chunks, 0, 2);
    tcase_add_test(t, ranges_are_gathered_and_scattered);
    tcase_add_test(t, messages_arrive_in_order);
    return agree_run("reduce", t, &world);
}
