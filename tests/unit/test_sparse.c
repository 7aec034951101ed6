/* products with sparse weights against the loop of the definition, ragged sizes and masks */
#include "base/rng.h"
#include "tensor/sparse.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static const struct {
    int T, out, in, each; /* one weight in each is kept; 0: none */
} cases[] = {{1, 1, 1, 1},      {5, 3, 7, 2},        {64, 16, 128, 8}, {65, 17, 129, 8},
             {130, 40, 300, 3}, {200, 33, 257, 100}, {63, 31, 127, 1}, {70, 18, 140, 0}};

static float *random_floats(uint32_t which, size_t n) {
    float *x = malloc((n + 1) * sizeof *x);
    rng_stream s = rng_open(9, RNG_TEST, which, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(&s);
    return x;
}

START_TEST(as_defined) {
    int T = cases[_i].T, out = cases[_i].out, in = cases[_i].in, each = cases[_i].each;
    size_t n = (size_t)out * (size_t)in;
    float *w = random_floats(1, n), *x = random_floats(2, (size_t)T * (size_t)in);
    float *b = random_floats(3, (size_t)out);
    int64_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        w[i] = each > 0 && (i * 7 + i / 5) % (size_t)each == 0 ? w[i] : 0.0f;
        kept += w[i] != 0.0f;
    }
    sparse_weight *s;
    ck_ok(sparse_create(w, out, in, &s));
    ck_assert_int_eq(s->kept, kept);
    float *scratch = malloc(sparse_scratch(s) * sizeof *scratch);
    memset(scratch, 0xff, sparse_scratch(s) * sizeof *scratch); /* NaN */
    for (int with = 0; with < 2; with++) {
        const int ld = out + 5 * with;
        size_t m = (size_t)T * (size_t)ld;
        float *y = malloc(m * sizeof *y);
        for (size_t i = 0; i < m; i++)
            y[i] = 5.0f;
        sparse_linear(y, ld, x, s, with ? b : NULL, T, scratch);
        for (int t = 0; t < T; t++)
            for (int r = 0; r < ld; r++) {
                if (r >= out) { /* nothing is written between the rows */
                    ck_assert_float_eq(y[t * ld + r], 5.0f);
                    continue;
                }
                double want = with ? (double)b[r] : 0.0, size = 1.0;
                for (int i = 0; i < in; i++) {
                    double term = (double)x[t * in + i] * (double)w[r * in + i];
                    want += term;
                    size += fabs(term);
                }
                /* float32 rounding of as many terms */
                ck_assert_double_eq_tol((double)y[t * ld + r], want, 1e-6 * size);
            }
        free(y);
    }
    free(w);
    free(x);
    free(b);
    free(scratch);
    sparse_destroy(&s);
}
END_TEST

/* a token has the same bits whatever stands beside it */
START_TEST(bits_of_a_token) {
    enum { T = 90, OUT = 20, IN = 150 };
    float *w = random_floats(1, OUT * IN), *x = random_floats(2, T * IN), all[T * OUT], one[OUT];
    for (int i = 0; i < OUT * IN; i++)
        w[i] = i % 4 ? 0.0f : w[i];
    sparse_weight *s;
    ck_ok(sparse_create(w, OUT, IN, &s));
    float *scratch = malloc(sparse_scratch(s) * sizeof *scratch);
    sparse_linear(all, OUT, x, s, NULL, T, scratch);
    for (int t = 0; t < T; t++) {
        sparse_linear(one, OUT, x + t * IN, s, NULL, 1, scratch);
        ck_assert(memcmp(one, all + t * OUT, sizeof one) == 0);
    }
    free(w);
    free(x);
    free(scratch);
    sparse_destroy(&s);
}
END_TEST

int main(void) {
    Suite *s = suite_create("sparse");
    TCase *t = tcase_create("sparse");
    tcase_add_loop_test(t, as_defined, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, bits_of_a_token);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
