/* word embeddings from co-occurrence: words of the same company lie together, others do not move */
#include "base/arena.h"
#include "linalg/eigen.h"
#include "train/cooccurrence.h"
#include "unit/scratch.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(eigenvectors_of_a_known_matrix) {
    /* [[2, 1], [1, 2]]: 3 with (1, 1), 1 with (1, -1); a third direction of value 5 */
    double a[9] = {2, 1, 0, 1, 2, 0, 0, 0, 5}, values[2], vectors[6];
    ck_assert_int_eq(eigen_top(a, 3, 2, values, vectors), OK);
    ck_assert(fabs(values[0] - 5) < 1e-14 && fabs(values[1] - 3) < 1e-14);
    ck_assert(fabs(vectors[4] - 1) < 1e-14 && fabs(vectors[0]) < 1e-14);
    ck_assert(fabs(vectors[1] - sqrt(0.5)) < 1e-14 && fabs(vectors[3] - sqrt(0.5)) < 1e-14);
    ck_assert_int_eq(eigen_top(a, 3, 4, values, vectors), ERR_FAILED);
}
END_TEST

static double cosine(const float *a, const float *b, int n) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* a and b stand with x and y, c and d with u and v; "never" does not occur */
START_TEST(company_decides) {
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\nx\ny\nu\nv\nnever\n";
    static const char *const text[] = {"a x y", "b y x", "c u v", "d v u",
                                       "x a y", "y b x", "u c v", "v d u"};
    enum { H = 4, TEXTS = 8 };
    put_text("vocab.txt", vocab);
    tokenizer *w = NULL;
    ck_ok(tokenizer_open("vocab.txt", &w));
    char bytes[64] = "";
    int64_t offset[TEXTS + 1] = {0};
    int32_t label[TEXTS] = {0};
    for (int i = 0; i < TEXTS; i++) {
        memcpy(bytes + offset[i], text[i], strlen(text[i]) + 1);
        offset[i + 1] = offset[i] + (int64_t)strlen(text[i]) + 1;
    }
    dataset d = {.n = TEXTS, .bytes = bytes, .offset = offset, .label = label};
    examples x = {0};
    ck_assert_int_eq(examples_make(&d, w, 8, &x), OK);
    encoder *m = NULL;
    encoder_config c = {
        .V = w->V, .H = H, .L = 1, .A = 1, .F = 4, .P = 8, .Y = 2, .norm_eps = 1e-12f};
    ck_assert_int_eq(encoder_create(&c, &m), OK);
    encoder_init(m, 1);
    float never[H], first[(size_t)13 * H];
    memcpy(never, m->p.word_emb + 12 * H, sizeof never);
    ck_assert_int_eq(cooccurrence_start(m, w, &x), OK);
    const float *e = m->p.word_emb;
    ck_assert(cosine(e + 4 * H, e + 5 * H, H) > 0.99); /* a, b */
    ck_assert(cosine(e + 6 * H, e + 7 * H, H) > 0.99); /* c, d */
    ck_assert(cosine(e + 4 * H, e + 6 * H, H) < 0.5);  /* a, c */
    ck_assert(memcmp(never, e + 12 * H, sizeof never) == 0);
    /* the same corpus gives the same bytes */
    memcpy(first, e, sizeof first);
    ck_assert_int_eq(cooccurrence_start(m, w, &x), OK);
    ck_assert(memcmp(first, e, sizeof first) == 0);
    encoder_destroy(&m);
    examples_free(&x);
    tokenizer_close(&w);
}
END_TEST

int main(void) {
    Suite *s = suite_create("cooccurrence");
    TCase *t = tcase_create("all");
    tcase_add_test(t, eigenvectors_of_a_known_matrix);
    tcase_add_test(t, company_decides);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
