/* errors, scratch memory, random numbers, text that grows, clock */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/monitor.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "unit/scratch.h"

#include <math.h>
#include <stdint.h>

static err passes_on(int depth) {
    if (depth == 0)
        RAISE(ERR_DATA, "%s:%d: expected %s", "a.tsv", 7, "text");
    CALL(passes_on(depth - 1));
    return OK;
}

START_TEST(errors) {
    ck_assert_int_eq(passes_on(3), ERR_DATA);
    ck_assert_str_eq(err_message(), "a.tsv:7: expected text");
    ck_assert_ptr_nonnull(strstr(err_where(), "test_base.c:"));
    ck_assert_int_eq(err_prefix(ERR_DATA, "rank %d", 3), ERR_DATA);
    ck_assert_str_eq(err_message(), "rank 3: a.tsv:7: expected text");
    /* a message may be made from the one before it */
    ck_assert_int_eq(err_raise(ERR_IO, "x.c", 1, "again: %s", err_message()), ERR_IO);
    ck_assert_str_eq(err_message(), "again: rank 3: a.tsv:7: expected text");
    ck_assert_str_eq(err_where(), "x.c:1");
    err_set("from another rank", "y.c:2");
    ck_assert_str_eq(err_message(), "from another rank");
    ck_assert_str_eq(err_where(), "y.c:2");
}
END_TEST

START_TEST(long_messages) {
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_raise(ERR_IO, "x.c", 1, "%s", text);
    ck_assert_uint_eq(strlen(err_message()), 2047);
    err_prefix(ERR_IO, "short");
    ck_assert_uint_eq(strlen(err_message()), 2047);
    ck_assert_int_eq(strncmp(err_message(), "short: xxx", 10), 0);
    err_prefix(ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(err_message()), 2047);
}
END_TEST

static err cleans_up(int fail, int *cleaned) {
    err e = OK;
    TRY(fail == 1 ? passes_on(0) : OK);
    ENSURE(fail != 2, ERR_IO, "second");
done:
    ++*cleaned;
    return e;
}

START_TEST(cleanup) {
    int cleaned = 0;
    ck_assert_int_eq(cleans_up(0, &cleaned), OK);
    ck_assert_int_eq(cleans_up(1, &cleaned), ERR_DATA);
    ck_assert_int_eq(cleans_up(2, &cleaned), ERR_IO);
    ck_assert_int_eq(cleaned, 3);
}
END_TEST

/* pieces of every size: aligned and apart from each other */
START_TEST(scratch_memory) {
    arena *a = NULL;
    unsigned char *piece[200];
    ck_ok(arena_create(1000, &a));
    for (size_t i = 0; i < 200; i++) {
        ck_ok(arena_alloc(a, i, 7, &piece[i]));
        ck_assert_uint_eq((uintptr_t)piece[i] % 64, 0);
        memset(piece[i], (int)i, 7 * i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < 7 * i; k++)
            ck_assert_int_eq(piece[i][k], (int)i);
    arena_destroy(&a);
    ck_assert_ptr_null(a);
    arena_destroy(&a);
}
END_TEST

/* after a release the same memory is handed out again, in all blocks; what is older stays */
START_TEST(scratch_again) {
    arena *a = NULL;
    unsigned char *kept, *piece[2][50];
    ck_ok(arena_create(256, &a));
    ck_ok(arena_alloc(a, 100, 1, &kept));
    memset(kept, 77, 100);
    arena_mark mark = arena_here(a);
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 50; i++) {
            ck_ok(arena_alloc(a, 40 * i, 3, &piece[turn][i]));
            memset(piece[turn][i], turn, 120 * i);
        }
        arena_release(a, mark);
    }
    ck_assert_mem_eq(piece[0], piece[1], sizeof piece[0]);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(kept[i], 77);
    arena_destroy(&a);
}
END_TEST

/* under AddressSanitizer too an allocation that is too large returns NULL */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

START_TEST(no_memory) {
    arena *a = NULL;
    float *p = NULL;
    ck_ok(arena_create(64, &a));
    ck_refused(arena_alloc(a, SIZE_MAX / 2, 4, &p), ERR_FAILED, "overflows");
    ck_refused(arena_alloc(a, SIZE_MAX / 16, 4, &p), ERR_FAILED, "out of memory");
    ck_refused(mem_alloc(SIZE_MAX, 1, &p), ERR_FAILED, "overflows");
    ck_refused(mem_alloc(SIZE_MAX / 8, 2, &p), ERR_FAILED, "out of memory");
    ck_ok(mem_alloc(1000, sizeof *p, &p));
    for (int i = 0; i < 1000; i++)
        ck_assert(p[i] == 0.0f);
    free(p);
    ck_ok(mem_alloc(0, 4, &p));
    ck_assert_ptr_nonnull(p);
    free(p);
    arena_destroy(&a);
}
END_TEST

START_TEST(growing_array) {
    int *a = NULL, moves = 0;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        size_t before = cap;
        ck_ok(mem_grow((size_t)i + 1, sizeof *a, &a, &cap));
        ck_assert(cap > (size_t)i && (cap == before || cap >= 2 * before));
        moves += cap != before;
        a[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(a[i], i);
    ck_assert_int_eq(moves, 11); /* 1, 2, 4 … 1024 */
    ck_ok(mem_grow(5000, sizeof *a, &a, &cap));
    ck_assert_uint_eq(cap, 5000);
    a[4999] = 7;
    int *before = a; /* what does not fit leaves everything as it was */
    ck_refused(mem_grow(SIZE_MAX / 2, sizeof *a, &a, &cap), ERR_FAILED, "overflows");
    ck_refused(mem_grow(SIZE_MAX / 16, sizeof *a, &a, &cap), ERR_FAILED, "out of memory");
    ck_assert(a == before && cap == 5000 && a[999] == 999 && a[4999] == 7);
    ck_ok(mem_resize(2, sizeof *a, &a));
    ck_assert(a[0] == 0 && a[1] == 1);
    ck_ok(mem_resize(0, sizeof *a, &a));
    ck_assert_ptr_nonnull(a);
    free(a);
}
END_TEST

/* known answers of Philox 4x32-10: Random123, tests/kat_vectors; the last is digits of pi */
static const struct {
    uint32_t counter[4], key[2], answer[4];
} known[] = {
    {{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(random_known) {
    const uint32_t *c = known[_i].counter, *k = known[_i].key;
    uint32_t out[4];
    rng_block((uint64_t)k[1] << 32 | k[0], c[0], c[1], c[2], c[3], out);
    ck_assert_mem_eq(out, known[_i].answer, sizeof out);
}
END_TEST

/* a stream is its blocks one after another, and a function of its four numbers alone */
START_TEST(random_streams) {
    rng_stream s = rng_open(42, RNG_TEST, 3, 9);
    uint32_t block[4], other[4];
    for (uint32_t c = 0; c < 50; c++) {
        rng_block(42, RNG_TEST, 3, 9, c, block);
        for (int i = 0; i < 4; i++)
            ck_assert_uint_eq(rng_u32(&s), block[i]);
    }
    rng_block(43, RNG_TEST, 3, 9, 49, other);
    ck_assert_mem_ne(block, other, sizeof block);
    rng_block(42, RNG_TEST + 1, 3, 9, 49, other);
    ck_assert_mem_ne(block, other, sizeof block);
    rng_block((uint64_t)1 << 32 | 42, RNG_TEST, 3, 9, 49, other);
    ck_assert_mem_ne(block, other, sizeof block);
}
END_TEST

/* moments of 100,000 numbers, within five standard errors of what they should be */
START_TEST(random_moments) {
    enum { N = 100000 };
    rng_stream s = rng_open(5, RNG_TEST, 0, 0);
    double sum = 0, squares = 0, normal = 0, normal2 = 0, low = 1, high = 0;
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&s), z = rng_normal(&s);
        ck_assert(u >= 0 && u < 1 && isfinite(z));
        low = fmin(low, u);
        high = fmax(high, u);
        sum += u;
        squares += u * u;
        normal += z;
        normal2 += z * z;
    }
    double root = sqrt(N);
    ck_assert(fabs(sum / N - 0.5) < 5 * 0.2887 / root);
    ck_assert(fabs(squares / N - 1.0 / 3) < 5 * 0.2981 / root);
    ck_assert(fabs(normal / N) < 5 / root);
    ck_assert(fabs(normal2 / N - 1) < 5 * 1.4142 / root);
    ck_assert(low < 1e-3 && high > 0.999);
    ck_assert(rng_float(0) == 0.0f && rng_float(UINT32_MAX) == 1.0f - 0x1p-24f);
}
END_TEST

START_TEST(random_below) {
    static const uint32_t sizes[] = {1, 2, 3, 7, 10, 100};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        rng_stream s = rng_open(6, RNG_TEST, (uint32_t)k, 0);
        int seen[100] = {0};
        uint32_t n = sizes[k];
        double expected = 20000.0 / n, chi = 0;
        for (int i = 0; i < 20000; i++) {
            uint32_t x = rng_below(&s, n);
            ck_assert_uint_lt(x, n);
            seen[x]++;
        }
        for (uint32_t i = 0; i < n; i++)
            chi += (seen[i] - expected) * (seen[i] - expected) / expected;
        /* chi-square with n - 1 degrees: mean n - 1, variance 2 (n - 1) */
        ck_assert(chi < n - 1 + 5 * sqrt(2.0 * n));
    }
    rng_stream s = rng_open(6, RNG_TEST, 9, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(rng_below(&s, 0xc0000000), 0xc0000000); /* one draw in four is rejected */
}
END_TEST

START_TEST(random_shuffle) {
    int32_t x[50], first[50] = {0};
    for (uint32_t t = 0; t < 2000; t++) {
        int seen[50] = {0};
        for (int32_t i = 0; i < 50; i++)
            x[i] = i;
        rng_stream s = rng_open(t, RNG_SHUFFLE, 0, 0);
        rng_shuffle(&s, x, 50);
        for (int i = 0; i < 50; i++)
            seen[x[i]]++;
        for (int i = 0; i < 50; i++)
            ck_assert_int_eq(seen[i], 1);
        first[x[0]]++;
    }
    for (int i = 0; i < 50; i++) /* 40 expected, standard deviation 6.3 */
        ck_assert(first[i] > 8 && first[i] < 72);
}
END_TEST

START_TEST(growing_text) {
    strbuf b = {0};
    strbuf_clear(&b);
    for (int i = 0; i < 1000; i++)
        ck_ok(strbuf_printf(&b, "%d,", i));
    ck_assert_uint_eq(b.len, strlen(b.text));
    ck_assert_uint_eq(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert_int_eq(strncmp(b.text, "0,1,2,", 6), 0);
    ck_assert_str_eq(b.text + b.len - 8, "998,999,");
    char *before = b.text;
    strbuf_clear(&b);
    ck_assert_str_eq(b.text, "");
    ck_ok(strbuf_add(&b, "a\0b", 3));
    ck_assert_mem_eq(b.text, "a\0b", 4);
    ck_assert(b.len == 3 && b.text == before);
    strbuf_free(&b);
    ck_assert(b.text == NULL && b.len == 0);
    strbuf_free(&b);
}
END_TEST

START_TEST(clocks) {
    char now[21];
    int y, mo, d, h, mi, s;
    clock_utc(now);
    ck_assert_int_eq(sscanf(now, "%4d-%2d-%2dT%2d:%2d:%2dZ", &y, &mo, &d, &h, &mi, &s), 6);
    ck_assert_uint_eq(strlen(now), 20);
    double a = clock_now(), b = clock_now();
    ck_assert(b >= a);
}
END_TEST

/* what reaches standard error at each level, and nothing from other ranks */
static void speak(int rank, log_level level, char *out, size_t size) {
    ck_assert_ptr_nonnull(freopen("stderr.txt", "w", stderr));
    monitor m;
    log_open(rank, level);
    log_info("one %d", 1);
    log_detail("two");
    log_warning("three");
    log_error("four");
    monitor_begin(&m, "count", "sheep", 10);
    monitor_step(&m, 10, NAN); /* too soon for a line */
    monitor_end(&m);
    fflush(stderr);
    FILE *f = fopen("stderr.txt", "r");
    out[fread(out, 1, size - 1, f)] = '\0';
    fclose(f);
}

START_TEST(log_levels) {
    char text[500];
    speak(0, LOG_QUIET, text, sizeof text);
    ck_assert_str_eq(text, "warning: three\nerror: four\n");
    speak(0, LOG_NORMAL, text, sizeof text);
    ck_assert_str_eq(text, "one 1\nwarning: three\nerror: four\n");
    speak(0, LOG_VERBOSE, text, sizeof text);
    ck_assert_int_eq(strncmp(text, "one 1\ntwo\nwarning: three\nerror: four\ncount: 10 sheep", 51),
                     0);
    speak(1, LOG_VERBOSE, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void) {
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_add_test(t, errors);
    tcase_add_test(t, long_messages);
    tcase_add_test(t, cleanup);
    tcase_add_test(t, scratch_memory);
    tcase_add_test(t, scratch_again);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, growing_array);
    tcase_add_loop_test(t, random_known, 0, 3);
    tcase_add_test(t, random_streams);
    tcase_add_test(t, random_moments);
    tcase_add_test(t, random_below);
    tcase_add_test(t, random_shuffle);
    tcase_add_test(t, growing_text);
    tcase_add_test(t, clocks);
    tcase_add_test(t, log_levels);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
