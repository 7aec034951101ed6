/* products in short float32 chains against float64: shapes around panels, blocks and chains, how
 * far off they are, constants, numbers that are not finite */
#include "linalg/dense.h"
#include "linalg/sums.h"
#include "spd.h"

#include <check.h>

/* terms, rows, columns: one of each; a tile, one less, one more; more than a block of terms, than
 * the left panels that are packed at a time, than a chain */
static const int shapes[][3] = {{1, 1, 1},       {64, 14, 32},    {63, 13, 31}, {65, 15, 33},
                                {3, 113, 64},    {130, 97, 45},   {200, 40, 1}, {1024, 28, 65},
                                {1100, 150, 70}, {2049, 257, 131}};
enum { SHAPES = sizeof shapes / sizeof *shapes, GAP = 3 };

typedef struct operands {
    int T, m, d;
    double *y, *x;   // (T, m + GAP), (T, d + GAP)
    double *yt, *xt; // (m, T + GAP), (d, T): the same, terms side by side
    double *got, *want;
    chained_room *room;
} operands;

static double *new_matrix(size_t rows, size_t cols) {
    double *x = malloc((rows * cols + 1) * sizeof *x);
    for (size_t i = 0; i < rows * cols; i++)
        x[i] = -7.0; /* where nothing may be written, or NaN read */
    return x;
}

/* float32 numbers, correlated, of both operands, and not around zero: sums whose terms have one
 * sign are the hard ones */
static void fill(double *x, double *xt, int T, int n, int ldt, uint64_t seed) {
    double *r = spd_random(seed, (size_t)(T * n)), *common = spd_random(1, (size_t)T);
    for (int t = 0; t < T; t++) {
        for (int i = 0; i < n; i++) {
            double v = (double)(float)(2.0 * common[t] + r[t * n + i] + 0.5 * (i % 3));
            x[(size_t)t * (size_t)(n + GAP) + (size_t)i] = v;
            xt[(size_t)i * (size_t)ldt + (size_t)t] = v;
        }
        for (int i = n; i < n + GAP; i++)
            x[(size_t)t * (size_t)(n + GAP) + (size_t)i] = NAN; /* between rows */
    }
    free(r);
    free(common);
}

static operands open_operands(int T, int m, int d) {
    operands o = {.T = T, .m = m, .d = d};
    size_t n = (size_t)T, M = (size_t)m, D = (size_t)d, most = M > D ? M : D;
    o.y = new_matrix(n, M + GAP);
    o.x = new_matrix(n, D + GAP);
    o.yt = new_matrix(M, n + GAP);
    o.xt = new_matrix(D, n);
    o.got = new_matrix(most, most);
    o.want = new_matrix(most, most);
    fill(o.y, o.yt, T, m, T + GAP, 2);
    fill(o.x, o.xt, T, d, T, 3);
    ck_assert_int_eq(chained_room_create(&o.room), OK);
    return o;
}

static void close_operands(operands *o) {
    free(o->y);
    free(o->x);
    free(o->yt);
    free(o->xt);
    free(o->got);
    free(o->want);
    chained_room_destroy(&o->room);
    ck_assert_ptr_null(o->room);
}

static void cross(operands *o) {
    ck_assert_int_eq(
        chained_cross(o->room, o->got, o->y, o->m + GAP, o->x, o->d + GAP, o->T, o->m, o->d), OK);
}

static void linear(operands *o) {
    ck_assert_int_eq(chained_linear(o->room, o->got, o->yt, o->T + GAP, o->xt, o->m, o->d, o->T),
                     OK);
}

static double length(const double *xt, int T) {
    return sqrt(dense_dot(xt, xt, T));
}

/* mean square of the differences to float64, relative to the rows' lengths; none is `most` */
static double compare(const operands *o, double most) {
    double sum = 0.0;
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->d; j++) {
            size_t at = (size_t)i * (size_t)o->d + (size_t)j;
            double off = fabs(o->got[at] - o->want[at]) /
                         (length(o->yt + (size_t)i * (size_t)(o->T + GAP), o->T) *
                          length(o->xt + (size_t)j * (size_t)o->T, o->T));
            ck_assert_double_lt(off, most);
            sum += off * off;
        }
    return sqrt(sum / o->m / o->d);
}

/* a chain of 64 terms of one sign is off by 64 halves of 2^-24 at most, of the rows' product; the
 * rounding of operands by two more */
static const double CHAIN_MOST = 34.0 * 0x1p-24;

START_TEST(all_shapes) {
    operands o = open_operands(shapes[_i][0], shapes[_i][1], shapes[_i][2]);
    dense_cross(o.want, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d);
    cross(&o);
    compare(&o, CHAIN_MOST);
    /* the same numbers, the same bits, however they lie, and whatever the room was used for */
    size_t n = (size_t)o.m * (size_t)o.d;
    memcpy(o.want, o.got, n * sizeof *o.want);
    linear(&o);
    ck_assert_mem_eq(o.got, o.want, n * sizeof *o.got);
    chained_room_destroy(&o.room);
    ck_assert_int_eq(chained_room_create(&o.room), OK);
    linear(&o);
    ck_assert_mem_eq(o.got, o.want, n * sizeof *o.got);
    close_operands(&o);
}
END_TEST

/* a symmetric product has the bits of one that is not, and leaves the other triangle alone */
START_TEST(symmetric) {
    operands o = open_operands(shapes[_i][0], shapes[_i][1], shapes[_i][2]);
    size_t d = (size_t)o.d, n = (size_t)o.T;
    double *x = new_matrix(n, d);
    for (size_t t = 0; t < n; t++)
        memcpy(x + t * d, o.x + t * (d + GAP), d * sizeof *x);
    ck_assert_int_eq(chained_cross(o.room, o.want, x, o.d, x, o.d, o.T, o.d, o.d), OK);
    for (size_t i = 0; i < d * d; i++)
        o.got[i] = -7.0;
    ck_assert_int_eq(chained_gram(o.room, o.got, x, o.T, o.d), OK);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            ck_assert_double_eq(o.got[i * d + j], j <= i ? o.want[i * d + j] : -7.0);
    free(x);
    close_operands(&o);
}
END_TEST

/* both products at once have the bits of one after the other */
START_TEST(both) {
    operands o = open_operands(shapes[_i][0], shapes[_i][1], shapes[_i][2]);
    size_t d = (size_t)o.d, m = (size_t)o.m, n = (size_t)o.T;
    double *x = new_matrix(n, d), *xx = new_matrix(d, d), *want = new_matrix(d, d);
    for (size_t t = 0; t < n; t++)
        memcpy(x + t * d, o.x + t * (d + GAP), d * sizeof *x);
    ck_assert_int_eq(chained_gram(o.room, want, x, o.T, o.d), OK);
    ck_assert_int_eq(chained_cross(o.room, o.want, o.y, o.m + GAP, x, o.d, o.T, o.m, o.d), OK);
    ck_assert_int_eq(chained_both(o.room, xx, o.got, o.y, o.m + GAP, x, o.T, o.m, o.d), OK);
    ck_assert_mem_eq(xx, want, d * d * sizeof *xx);
    ck_assert_mem_eq(o.got, o.want, m * d * sizeof *o.got);
    ck_assert_int_eq(sums_both(o.room, xx, o.got, o.y, o.m + GAP, x, o.T, o.m, o.d), OK);
    ck_assert_int_eq(sums_gram(o.room, want, x, o.T, o.d), OK);
    ck_assert_int_eq(sums_cross(o.room, o.want, o.y, o.m + GAP, x, o.d, o.T, o.m, o.d), OK);
    for (size_t i = 0; i < d; i++) /* above the diagonal float64 may write too */
        ck_assert_mem_eq(xx + i * d, want + i * d, (i + 1) * sizeof *xx);
    ck_assert_mem_eq(o.got, o.want, m * d * sizeof *o.got);
    free(x);
    free(xx);
    free(want);
    close_operands(&o);
}
END_TEST

/* what one float32 chain over all terms comes to */
static void one_chain(operands *o) {
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->d; j++) {
            float sum = 0.0f;
            for (int t = 0; t < o->T; t++)
                sum += (float)o->y[t * (o->m + GAP) + i] * (float)o->x[t * (o->d + GAP) + j];
            o->got[i * o->d + j] = (double)sum;
        }
}

/* Errors are those of short chains: 1.7e-8 were measured for 2,048 terms of mostly one sign, 3.3e-8
 * with chains twice as long, 5.2e-7 with one over all terms. With the number of chains they fall.
 */
static const double CHAINS = 2.5e-8;

START_TEST(chains_are_short) {
    operands o = open_operands(2048, 45, 67);
    dense_cross(o.want, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d);
    cross(&o);
    double few = compare(&o, CHAIN_MOST);
    ck_assert_double_lt(few, CHAINS);
    one_chain(&o);
    ck_assert_double_gt(compare(&o, 1.0), 20.0 * few);
    close_operands(&o);
    o = open_operands(16 * 2048, 45, 67);
    dense_cross(o.want, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d);
    cross(&o);
    ck_assert_double_lt(compare(&o, CHAIN_MOST), 0.5 * few);
    close_operands(&o);
}
END_TEST

/* constants are exact, the number of terms an integer; what differs little from a large mean keeps
 * its covariance, to 1e-6 of a variance that is a millionth of the sum of squares */
START_TEST(means) {
    enum { T = 1500, N = 40 };
    static double c[N * N], want[N * N];
    double *x = spd_random(3, T * N);
    chained_room *room;
    for (int i = 0; i < T * N; i++)
        x[i] = i % N < 3 ? 0.1 * (i % N) : i % N == N - 1 ? 1.0 : (double)(float)(1000.0 + x[i]);
    ck_assert_int_eq(chained_room_create(&room), OK);
    ck_assert_int_eq(chained_gram(room, c, x, T, N), OK);
    dense_gram(want, x, T, N);
    ck_assert_double_eq(c[N * N - 1], (double)T);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j <= i; j++)
            ck_assert_double_eq_tol(c[i * N + j], 0.01 * i * j * T, 1e-13 * T);
    const double *sums = c + (N - 1) * N, *sums_want = want + (N - 1) * N;
    for (int i = 3; i < N - 1; i++)
        for (int j = 3; j <= i; j++) {
            double covariance = c[i * N + j] / T - sums[i] / T * (sums[j] / T);
            double covariance_want = want[i * N + j] / T - sums_want[i] / T * (sums_want[j] / T);
            ck_assert_double_eq_tol(covariance, covariance_want, 1e-6);
        }
    free(x);
    chained_room_destroy(&room);
}
END_TEST

static void check_row(const operands *o, int row, int col) {
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->d; j++)
            ck_assert_int_eq(isnan(o->got[i * o->d + j]) != 0, i == row || j == col);
}

/* also where the means are not looked for, and where a row of the other operand is zero */
START_TEST(not_finite) {
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    operands o = open_operands(150, 30, 70);
    const int row = 17, col = 33, term = 8 * _i + _i % 2;
    for (int t = 0; t < o.T; t++)
        o.y[t * (o.m + GAP) + 3] = o.x[t * (o.d + GAP) + 5] = 0.0;
    o.y[term * (o.m + GAP) + row] = o.yt[row * (o.T + GAP) + term] = bad[_i];
    cross(&o);
    check_row(&o, row, -1);
    linear(&o);
    check_row(&o, row, -1);
    o.x[(term + 1) * (o.d + GAP) + col] = o.xt[col * o.T + term + 1] = bad[_i];
    cross(&o);
    check_row(&o, row, col);
    linear(&o);
    check_row(&o, row, col);
    close_operands(&o);
}
END_TEST

/* whatever the way: short sides as float64 has them, long ones near it */
START_TEST(chosen_way) {
    operands o = open_operands(2000, 20, 260);
    dense_cross(o.want, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d);
    ck_assert_int_eq(sums_cross(o.room, o.got, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d), OK);
    ck_assert_mem_eq(o.got, o.want, (size_t)(o.m * o.d) * sizeof *o.got);
    close_operands(&o);
    o = open_operands(2000, 150, 260);
    dense_cross(o.want, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d);
    ck_assert_int_eq(sums_cross(o.room, o.got, o.y, o.m + GAP, o.x, o.d + GAP, o.T, o.m, o.d), OK);
    ck_assert_double_lt(compare(&o, CHAIN_MOST), CHAINS);
    ck_assert_int_eq(sums_linear(o.room, o.got, o.yt, o.T + GAP, o.xt, o.m, o.d, o.T), OK);
    ck_assert_double_lt(compare(&o, CHAIN_MOST), CHAINS);
    close_operands(&o);
}
END_TEST

static Suite *chained_suite(void) {
    Suite *s = suite_create("chained");
    TCase *t = tcase_create("products");
    tcase_add_loop_test(t, all_shapes, 0, SHAPES);
    tcase_add_loop_test(t, symmetric, 0, SHAPES);
    tcase_add_loop_test(t, both, 0, SHAPES);
    tcase_add_test(t, chains_are_short);
    tcase_add_test(t, means);
    tcase_add_loop_test(t, not_finite, 0, 4);
    tcase_add_test(t, chosen_way);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(chained_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
