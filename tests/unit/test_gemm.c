/* Matrix products against a loop in float64: ragged sizes, every transposition, sums, tails; a
 * row's bits do not depend on its neighbours; bfloat16 and pieces by both of
 * their ways. */
#include "base/rng.h"
#include "tensor/amx.h"
#include "tensor/gemm.h"
#include "tensor/gemm_bfloat16.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct product {
    int M, N, K;
    float *a, *b, *c; /* a by rows (M, K) or (K, M), b (K, N) or (N, K) */
    gemm_call call;
} product;

static void fill(float *x, size_t n, uint32_t stream) {
    rng_stream r = rng_open(5, RNG_TEST, stream, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(&r);
}

static product *product_make(int M, int N, int K, int ta, int tb) {
    product *p = calloc(1, sizeof *p);
    p->M = M;
    p->N = N;
    p->K = K;
    p->a = malloc((size_t)(M * K) * sizeof *p->a);
    p->b = malloc((size_t)(K * N) * sizeof *p->b);
    p->c = malloc((size_t)(M * N) * sizeof *p->c);
    fill(p->a, (size_t)(M * K), 1);
    fill(p->b, (size_t)(K * N), 2);
    fill(p->c, (size_t)(M * N), 3);
    p->call = (gemm_call){.M = M,
                          .N = N,
                          .K = K,
                          .a = {p->a, ta ? M : K, ta},
                          .b = {p->b, tb ? K : N, tb},
                          .c = p->c,
                          .ldc = N};
    return p;
}

static void product_free(product *p) {
    free(p->a);
    free(p->b);
    free(p->c);
    free(p);
}

/* nearest bfloat16, ties to even */
static double rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000u;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

/* term k of element (i, j) */
static double term(const product *p, int i, int j, int k, int bfloat16) {
    float a = p->call.a.transposed ? p->a[k * p->M + i] : p->a[i * p->K + k];
    float b = p->call.b.transposed ? p->b[j * p->K + k] : p->b[k * p->N + j];
    return bfloat16 ? rounded(a) * rounded(b) : (double)a * (double)b;
}

/* K terms of size 1 one after the other: partial sums grow like sqrt(k), each rounded at 6e-8,
 * which makes 4e-8 K; 2e-7 K leaves a factor of five */
static void check_product(const product *p, const float *before, int bfloat16) {
    double room = 2e-7 * p->K + 1e-6;
    for (int i = 0; i < p->M; i++)
        for (int j = 0; j < p->N; j++) {
            double sum = before ? (double)before[i * p->N + j] : 0.0;
            for (int k = 0; k < p->K; k++)
                sum += term(p, i, j, k, bfloat16);
            ck_assert_double_le(fabs((double)p->c[i * p->N + j] - sum), room * fmax(1, fabs(sum)));
        }
}

static const int SIZES[][3] = {{1, 1, 1},     {2, 3, 5},    {13, 31, 17}, {14, 32, 16},
                               {15, 33, 33},  {29, 2, 40},  {7, 65, 385}, {45, 70, 769},
                               {3, 90, 31},   {32, 32, 64}, {33, 17, 47}, {1, 200, 8},
                               {100, 1, 130}, {64, 64, 512}};

static void check_size(int n, void (*multiply)(const gemm_call *), precision way) {
    for (int form = 0; form < 8; form++) {
        int M = SIZES[n][0], N = SIZES[n][1], K = SIZES[n][2];
        product *p = product_make(M, N, K, form & 1, form >> 1 & 1);
        float *before = malloc((size_t)(M * N) * sizeof *before);
        memcpy(before, p->c, (size_t)(M * N) * sizeof *before);
        p->call.add = form >> 2;
        p->call.p = way;
        multiply(&p->call);
        check_product(p, p->call.add ? before : NULL, way == BFLOAT16);
        free(before);
        product_free(p);
    }
}

START_TEST(float32) {
    check_size(_i, gemm, FLOAT32);
}
END_TEST

START_TEST(bfloat16) {
    if (!gemm_has_bfloat16())
        return;
    check_size(_i, gemm, BFLOAT16);
    check_size(_i, gemm_bfloat16_pairs, BFLOAT16);
}
END_TEST

static void by_vectors(const gemm_call *g) {
    amx_use(0);
    gemm(g);
    amx_use(1);
}

START_TEST(float32_by_vectors) {
    check_size(_i, by_vectors, FLOAT32);
}
END_TEST

/* every size, not only those for which gemm chooses it */
START_TEST(float32_in_pieces) {
    if (gemm_has_bfloat16())
        check_size(_i, gemm_pieces_pairs, FLOAT32);
    if (amx_here())
        check_size(_i, gemm_pieces, FLOAT32);
}
END_TEST

/* largest error of an element beside float64, numbers of sizes from 2^-20 to 2^20 */
static double worst_error(product *p, void (*multiply)(const gemm_call *)) {
    double worst = 0;
    multiply(&p->call);
    for (int i = 0; i < p->M; i++)
        for (int j = 0; j < p->N; j++) {
            double sum = 0, size = 0;
            for (int k = 0; k < p->K; k++) {
                sum += term(p, i, j, k, 0);
                size += fabs(term(p, i, j, k, 0));
            }
            worst = fmax(worst, fabs((double)p->c[i * p->N + j] - sum) / size);
        }
    return worst;
}

/* pieces are no coarser than float32 multiply-adds: same sums, products exact either way */
START_TEST(pieces_are_as_exact) {
    if (!gemm_has_bfloat16())
        return;
    product *p = product_make(64, 64, 1024, 0, 1);
    for (int i = 0; i < 64 * 1024; i++) {
        p->a[i] = ldexpf(p->a[i], i % 41 - 20);
        p->b[i] = ldexpf(p->b[i], i % 37 - 18);
    }
    double vectors = worst_error(p, by_vectors), pieces = worst_error(p, gemm_pieces_pairs);
    ck_assert_double_le(pieces, 2 * vectors);
    if (amx_here())
        ck_assert_double_le(worst_error(p, gemm_pieces), 2 * vectors);
    product_free(p);
}
END_TEST

/* gradients of weights: few terms, wide */
START_TEST(gradients_of_few_tokens) {
    for (int K = 40; K < 60; K += 9) {
        product *p = product_make(130, 140, K, 1, 0);
        gemm(&p->call);
        check_product(p, NULL, 0);
        product_free(p);
    }
}
END_TEST

/* the unit is for sums of DEEP_TERMS terms: below they are those of vectors, bit for bit */
START_TEST(shallow_sums_are_by_vectors) {
    product *p = product_make(40, 70, DEEP_TERMS - 1, 0, 0);
    float expected[40 * 70];
    by_vectors(&p->call);
    memcpy(expected, p->c, sizeof expected);
    gemm(&p->call);
    ck_assert_mem_eq(expected, p->c, sizeof expected);
    product_free(p);
}
END_TEST

/* more rows than a block holds, and deeper */
START_TEST(blocks) {
    product *p = product_make(1200, 40, 800, _i & 1, _i >> 1);
    gemm(&p->call);
    check_product(p, NULL, 0);
    if (gemm_has_bfloat16()) {
        p->call.p = BFLOAT16;
        gemm(&p->call);
        check_product(p, NULL, 1);
    }
    product_free(p);
}
END_TEST

typedef struct seen {
    int M, N, next_row[64]; /* of every column */
    char *count;
} seen;

static void note(void *state, int row, int col, int rows, int cols) {
    seen *s = state;
    for (int i = row; i < row + rows; i++)
        for (int j = col; j < col + cols; j++) {
            ck_assert(i >= 0 && i < s->M && j >= 0 && j < s->N);
            s->count[i * s->N + j]++;
            ck_assert_int_eq(i, s->next_row[j]); /* rows come in order */
            s->next_row[j] = i + 1;
        }
}

/* the tail sees every element once, when it is final */
START_TEST(tail) {
    product *p = product_make(31, 50, 790, 0, 1);
    seen s = {31, 50, {0}, calloc(31 * 50, 1)};
    p->call.tail = note;
    p->call.state = &s;
    gemm(&p->call);
    for (int i = 0; i < 31 * 50; i++)
        ck_assert_int_eq(s.count[i], 1);
    free(s.count);
    product_free(p);
}
END_TEST

/* rows 5 .. 9 of a product of 40 rows and the same five alone */
static void check_rows(precision way) {
    product *p = product_make(40, 70, 500, 0, 1);
    float alone[5 * 70];
    p->call.p = way;
    gemm(&p->call);
    gemm_call few = p->call;
    few.M = 5;
    few.a.x += 5 * p->K;
    few.c = alone;
    gemm(&few);
    ck_assert_mem_eq(alone, p->c + 5 * 70, sizeof alone);
    product_free(p);
}

START_TEST(rows_do_not_depend_on_others) {
    if (gemm_rows_independent())
        check_rows(FLOAT32);
    if (gemm_has_bfloat16())
        check_rows(BFLOAT16);
}
END_TEST

/* NaN and infinity go through, also past zeros */
START_TEST(not_finite) {
    product *p = product_make(20, 40, 64, 0, 1);
    p->a[3 * 64 + 7] = NAN;
    p->a[9 * 64 + 1] = INFINITY;
    memset(p->b, 0, 64 * sizeof *p->b);
    gemm(&p->call);
    for (int j = 0; j < 40; j++)
        ck_assert_float_nan(p->c[3 * 40 + j]);
    ck_assert_float_nan(p->c[9 * 40]); /* infinity times zero */
    ck_assert_float_infinite(p->c[9 * 40 + 1]);
    ck_assert_float_finite(p->c[10 * 40]);
    product_free(p);
}
END_TEST

int main(void) {
    int sizes = (int)(sizeof SIZES / sizeof *SIZES);
    Suite *s = suite_create("gemm");
    TCase *c = tcase_create("products");
    tcase_add_loop_test(c, float32, 0, sizes);
    tcase_add_loop_test(c, bfloat16, 0, sizes);
    tcase_add_loop_test(c, float32_by_vectors, 0, sizes);
    tcase_add_loop_test(c, float32_in_pieces, 0, sizes);
    tcase_add_test(c, pieces_are_as_exact);
    tcase_add_test(c, shallow_sums_are_by_vectors);
    tcase_add_test(c, gradients_of_few_tokens);
    tcase_add_loop_test(c, blocks, 0, 4);
    tcase_add_test(c, tail);
    tcase_add_test(c, rows_do_not_depend_on_others);
    tcase_add_test(c, not_finite);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
