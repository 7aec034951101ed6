/* Inference without the zeros of pruned weights: near the dense products, the same bits in every
 * batch and from what is kept of the first layer; where it is used and where not. */
#include "base/key_table.h"
#include "model/first_layer.h"
#include "small_encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    encoder_kind family;
    int H, L;
} shapes[] = {{ENCODER_BERT, 16, 3}, {ENCODER_ROBERTA, 20, 2}, {ENCODER_DISTILBERT, 132, 2}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static encoder *make_shape(int i) {
    const encoder_kind family = shapes[i].family;
    encoder_config c = {.family = family,
                        .V = PIECES,
                        .H = shapes[i].H,
                        .L = shapes[i].L,
                        .A = 4,
                        .F = 52,
                        .P = 10,
                        .Y = encoder_family_of((int)family)->types ? 2 : 0,
                        .first_position = family == ENCODER_ROBERTA ? 3 : 0,
                        .K = 2,
                        .norm_eps = 1e-12f};
    return make(&c);
}

/* one weight in nine stays of every matrix; some: all stay in the last layer and of the first one's
 * keys */
static void prune(encoder *m, int some) {
    for (int l = 0; l < m->c.L - some; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            if (some && l == 0 && k == LINEAR_KEY)
                continue;
            for (int i = 0; i < v.out * v.in; i++)
                v.w[i] = i % 9 == 0 ? v.w[i] * 2.0f : 0.0f;
        }
}

static batch batch_of(const encoder *m) {
    batch b = all;
    b.types = m->c.Y > 0 ? types : NULL;
    return b;
}

static void ck_near(const float *x, const float *want, int n) {
    for (int i = 0; i < n; i++)
        ck_assert_float_eq_tol(x[i], want[i], 3e-5f);
}

static void ck_near_all(const encoder *thin, const encoder *dense) {
    encoder_ws *a = workspace(thin), *b = workspace(dense);
    const batch x = batch_of(dense);
    const float *logits, *want;
    ck_ok(encoder_forward(a, thin, &x, NULL, 1));
    ck_ok(encoder_forward(b, dense, &x, NULL, 1));
    for (int l = 0; l <= dense->c.L; l++)
        ck_near(encoder_hidden(a, l), encoder_hidden(b, l), x.T * dense->c.H);
    ck_ok(encoder_classify(a, thin, &x, NULL, &logits));
    ck_ok(encoder_classify(b, dense, &x, NULL, &want));
    ck_near(logits, want, x.B * dense->c.K);
    encoder_ws_destroy(&a);
    encoder_ws_destroy(&b);
}

START_TEST(near_dense) {
    for (int some = 0; some < 2; some++) {
        encoder *dense = make_shape(_i), *thin;
        prune(dense, some);
        ck_ok(encoder_copy(dense, &thin));
        ck_ok(encoder_thin(thin));
        ck_assert_ptr_nonnull(thin->thin);
        ck_near_all(thin, dense);
        /* and the weights as they stand are not read where they are thin */
        for (int l = 0; l < thin->c.L - some; l++)
            for (linear_kind k = some && l == 0 ? LINEAR_ATT : LINEAR_QUERY; k < LINEAR_COUNT; k++)
                encoder_linear(thin, l, k).w[0] = NAN;
        ck_near_all(thin, dense);
        encoder_destroy(&dense);
        encoder_destroy(&thin);
    }
}
END_TEST

/* sequence by sequence, and from what is kept of the first layer: the bits of the whole batch */
START_TEST(same_bits) {
    if (!gemm_rows_independent())
        return; /* pooler and classifier are dense */
    encoder *m = make_shape(_i);
    encoder_ws *whole = workspace(m), *one = workspace(m), *keeps = workspace(m);
    batch b = batch_of(m);
    const float *logits, *alone, *recalled;
    first_layer *f;
    prune(m, 0);
    ck_ok(encoder_thin(m));
    ck_ok(first_layer_create(1000 * (size_t)(12 * m->c.H + KEY_TABLE_BYTES), &f));
    encoder_ws_remember(keeps, f, m);
    ck_ok(encoder_classify(whole, m, &b, NULL, &logits));
    for (int turn = 0; turn < 2; turn++) {
        ck_ok(encoder_classify(keeps, m, &b, NULL, &recalled));
        ck_assert_mem_eq(recalled, logits, (size_t)(b.B * m->c.K) * sizeof *logits);
        m->p.query_w[0] = NAN; /* neither computed from it nor kept without its zeros */
    }
    for (int s = 0; s < b.B; s++) {
        int32_t at[2] = {0, offsets[s + 1] - offsets[s]};
        batch part = {.B = 1,
                      .T = at[1],
                      .ids = ids + offsets[s],
                      .types = b.types ? types + offsets[s] : NULL,
                      .offsets = at};
        ck_ok(encoder_classify(one, m, &part, NULL, &alone));
        ck_assert_mem_eq(alone, logits + s * m->c.K, (size_t)m->c.K * sizeof *logits);
    }
    encoder_ws_destroy(&whole);
    encoder_ws_destroy(&one);
    encoder_ws_destroy(&keeps);
    first_layer_destroy(&f);
    encoder_destroy(&m);
}
END_TEST

/* loss and gradients, and products in bfloat16, are those of the dense model */
START_TEST(left_alone) {
    for (int i = 0; i < 2; i++) {
        precision p = i && gemm_has_bfloat16() ? BFLOAT16 : FLOAT32;
        encoder *dense = make_shape(_i), *thin;
        prune(dense, 0);
        ck_ok(encoder_copy(dense, &thin));
        ck_ok(encoder_thin(thin));
        dense->c.p = thin->c.p = p;
        encoder_ws *a = workspace(thin), *b = workspace(dense);
        batch x = batch_of(dense);
        float *g[2] = {calloc(dense->n, sizeof(float)), calloc(dense->n, sizeof(float))};
        double loss[2];
        ck_ok(encoder_classify_step(a, thin, &x, NULL, 1.0f, g[0], &loss[0]));
        ck_ok(encoder_classify_step(b, dense, &x, NULL, 1.0f, g[1], &loss[1]));
        ck_assert(loss[0] == loss[1]);
        ck_assert_mem_eq(g[0], g[1], dense->n * sizeof(float));
        const float *logits, *want;
        ck_ok(encoder_classify(a, thin, &x, NULL, &logits));
        ck_ok(encoder_classify(b, dense, &x, NULL, &want));
        if (p == BFLOAT16)
            ck_assert_mem_eq(logits, want, (size_t)(x.B * dense->c.K) * sizeof *want);
        free(g[0]);
        free(g[1]);
        encoder_ws_destroy(&a);
        encoder_ws_destroy(&b);
        encoder_destroy(&dense);
        encoder_destroy(&thin);
    }
}
END_TEST

/* where nothing is zero nothing changes; a copy is dense; told again it looks again */
START_TEST(not_thin) {
    encoder *m = make_shape(0), *copy;
    ck_ok(encoder_thin(m));
    ck_assert_ptr_null(m->thin);
    prune(m, 0);
    ck_ok(encoder_thin(m));
    ck_assert_ptr_nonnull(m->thin);
    ck_ok(encoder_copy(m, &copy));
    ck_assert_ptr_null(copy->thin);
    m->c.p = BFLOAT16;
    ck_ok(encoder_thin(m));
    ck_assert_ptr_null(m->thin);
    m->c.p = FLOAT32;
    encoder_init(m, 1);
    ck_ok(encoder_thin(m));
    ck_assert_ptr_null(m->thin);
    encoder_destroy(&copy);
    encoder_destroy(&m);
}
END_TEST

int main(void) {
    Suite *s = suite_create("thin");
    TCase *t = tcase_create("thin");
    tcase_add_loop_test(t, near_dense, 0, SHAPES);
    tcase_add_loop_test(t, same_bits, 0, SHAPES);
    tcase_add_loop_test(t, left_alone, 0, SHAPES);
    tcase_add_test(t, not_thin);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
