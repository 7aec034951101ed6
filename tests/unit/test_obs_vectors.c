/* the products inside exact OBS, both ways, against sums in float64: ragged numbers of positions,
 * vectors and columns, columns that have some of the vectors, positions that go; and that a column
 * does not depend on the others */
#include "base/rng.h"
#include "prune/obs_vectors.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCH = 64, ROOM = 224, MOST = 320, COLUMNS = 70 };

typedef struct scene {
    obs_vectors v;
    double u[MOST][ROOM], diagonal[ROOM];
    float *now; // (ROOM / PANEL, EPOCH, PANEL)
    int n;
} scene;

/* Numbers like a factor's: at a position their squares sum up to less than the diagonal, whose
 * elements are far apart. */
static scene *scene_open(const obs_product *product, int n, int vectors) {
    scene *s = calloc(1, sizeof *s);
    rng_stream r = rng_open(3, RNG_TEST, (uint32_t)n, (uint32_t)vectors);
    s->n = n;
    s->now = calloc(ROOM * EPOCH, sizeof *s->now);
    for (int i = 0; i < n; i++)
        s->diagonal[i] = exp(2.0 * rng_normal(&r));
    ck_assert_int_eq(obs_vectors_create(product, ROOM, MOST, COLUMNS, &s->v), OK);
    obs_vectors_begin(&s->v, s->diagonal, n);
    for (int t = 0; t < vectors; t++) {
        for (int i = 0; i < n; i++) {
            float x = (float)(sqrt(s->diagonal[i] / MOST) * rng_normal(&r) * 0.7);
            s->u[t][i] = (double)x;
            s->now[(i / PANEL * EPOCH + t % EPOCH) * PANEL + i % PANEL] = x;
        }
        /* an epoch is whole, but for a product in its midst */
        int last = t % EPOCH == EPOCH - 1, midst = t == vectors / 2 && !last;
        int joined = s->v.made % EPOCH;
        if (last || midst || t == vectors - 1)
            obs_vectors_append(&s->v, s->now, n, EPOCH, joined, t % EPOCH + 1);
    }
    ck_assert_int_eq(s->v.made, vectors);
    return s;
}

static void scene_close(scene *s) {
    obs_vectors_free(&s->v);
    free(s->now);
    free(s);
}

/* columns of zeros less the vectors from first on: (count, ROOM); position of each */
static float *columns_make(scene *s, const int32_t *position, const int32_t *first, int count) {
    float *x = calloc((size_t)count * ROOM, sizeof *x), *column[COLUMNS];
    for (int i = 0; i < count; i++)
        column[i] = x + (size_t)i * ROOM;
    obs_vectors_subtract(&s->v, column, position, first, count, s->n);
    return x;
}

/* off by so much of the root of both diagonal elements: rounding to 24 bits of that, for digits;
 * for float32 sums of so many terms less than it */
static const double TOLERANCE = 0x1p-22;

static void compare(const scene *s, const float *x, const int32_t *position, const int32_t *first,
                    int count) {
    for (int c = 0; c < count; c++)
        for (int i = 0; i < s->n; i++) {
            double sum = 0.0;
            for (int t = first[c]; t < s->v.made; t++)
                sum -= s->u[t][i] * s->u[t][position[c]];
            ck_assert_double_eq_tol((double)x[(size_t)c * ROOM + (size_t)i], sum,
                                    TOLERANCE * sqrt(s->diagonal[i] * s->diagonal[position[c]]));
        }
}

/* turn i: lanes or digits, sizes; NULL: not on this machine */
static scene *scene_of_turn(int i) {
    static const int sizes[][2] = {{1, 1}, {31, 63}, {64, 64}, {97, 65}, {200, 130}, {70, 320}};
    const obs_product *product = i % 2 ? obs_product_digits() : obs_product_lanes();
    return product ? scene_open(product, sizes[i / 2][0], sizes[i / 2][1]) : NULL;
}

static void draw_columns(const scene *s, int32_t *position, int32_t *first, int count) {
    rng_stream r = rng_open(4, RNG_TEST, (uint32_t)s->n, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        position[i] = (int32_t)rng_below(&r, (uint32_t)s->n);
        first[i] = i % 3 == 0 ? 0 : (int32_t)rng_below(&r, (uint32_t)s->v.made + 1);
    }
}

START_TEST(sums) {
    scene *s = scene_of_turn(_i);
    int32_t position[COLUMNS], first[COLUMNS];
    static const int counts[] = {1, 16, 17, 33, COLUMNS};
    for (size_t k = 0; s && k < sizeof counts / sizeof *counts; k++) {
        draw_columns(s, position, first, counts[k]);
        float *x = columns_make(s, position, first, counts[k]);
        compare(s, x, position, first, counts[k]);
        float *last = columns_make(s, position + counts[k] - 1, first + counts[k] - 1, 1);
        if (first[counts[k] - 1] == 0) /* else float32 sums begin elsewhere */
            ck_assert_mem_eq(last, x + (size_t)(counts[k] - 1) * ROOM, (size_t)s->n * sizeof *last);
        free(x);
        free(last);
    }
    if (s)
        scene_close(s);
}
END_TEST

/* every third position goes; what stays is as it was, then and with further vectors */
START_TEST(positions_go) {
    scene *s = scene_of_turn(_i);
    int32_t position[COLUMNS], first[COLUMNS];
    subset alive;
    int n = 0;
    if (!s)
        return;
    ck_assert_int_eq(subset_create(ROOM, &alive), OK);
    for (int i = 0; i < s->n; i++)
        if (i % 3 != 1)
            alive.index[n++] = i;
    subset_tell(&alive, n);
    obs_vectors_compact(&s->v, &alive);
    for (int i = 0; i < n; i++) {
        s->diagonal[i] = s->diagonal[alive.index[i]];
        for (int t = 0; t < s->v.made; t++)
            s->u[t][i] = s->u[t][alive.index[i]];
    }
    s->n = n;
    draw_columns(s, position, first, COLUMNS);
    float *x = columns_make(s, position, first, COLUMNS);
    compare(s, x, position, first, COLUMNS);
    for (int c = 0; c < COLUMNS; c++)
        for (int i = n; i % PANEL != 0; i++)
            ck_assert_float_eq(x[c * ROOM + i], 0.0f);
    free(x);
    subset_free(&alive);
    scene_close(s);
}
END_TEST

START_TEST(subsets) {
    enum { N = 77 };
    float from[ROOM], to[ROOM];
    subset s;
    int n = 0;
    ck_assert_int_eq(subset_create(N, &s), OK);
    for (int i = 0; i < N; i++) {
        from[i] = (float)i;
        if (i < _i || (i * 7 + _i) % 5 < 3)
            s.index[n++] = i;
    }
    subset_tell(&s, n);
    for (int count = 1; count <= n; count++) {
        subset_take(&s, to, from, count);
        for (int i = 0; i < count; i++)
            ck_assert_float_eq(to[i], (float)s.index[i]);
    }
    subset_take(&s, from, from, n); /* in place */
    for (int i = 0; i < n; i++)
        ck_assert_float_eq(from[i], (float)s.index[i]);
    subset_free(&s);
}
END_TEST

int main(void) {
    Suite *s = suite_create("obs_vectors");
    TCase *t = tcase_create("products");
    tcase_add_loop_test(t, sums, 0, 12);
    tcase_add_loop_test(t, positions_go, 0, 12);
    tcase_add_loop_test(t, subsets, 0, 78);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
