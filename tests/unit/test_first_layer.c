/* The first layer's queries, keys and values kept by token: the same bits as computed ones. */
#include "base/key_table.h"
#include "model/first_layer.h"
#include "small_encoder.h"

#include <stdlib.h>
#include <string.h>

/* b's hidden states and logits with ws, which takes what it can from what is kept, and computed */
static void ck_computed(encoder_ws *ws, const encoder *m, const batch *b) {
    encoder_ws *own = workspace(m);
    const float *logits, *want;
    ck_ok(encoder_forward(ws, m, b, NULL, 1));
    ck_ok(encoder_forward(own, m, b, NULL, 1));
    for (int l = 0; l <= m->c.L; l++)
        ck_assert_mem_eq(encoder_hidden(ws, l), encoder_hidden(own, l),
                         (size_t)(b->T * m->c.H) * sizeof(float));
    ck_ok(encoder_classify(ws, m, b, NULL, &logits));
    ck_ok(encoder_classify(own, m, b, NULL, &want));
    ck_assert_mem_eq(logits, want, (size_t)(b->B * m->c.K) * sizeof(float));
    encoder_ws_destroy(&own);
}

/* a token again at its place, elsewhere, of another type; a word exchanged; a part of a batch */
static void ck_batches(encoder_ws *ws, const encoder *m) {
    int32_t other[T];
    memcpy(other, ids, sizeof ids);
    other[9] = 12;
    batch b = all;
    b.types = m->c.Y > 0 ? types : NULL;
    ck_computed(ws, m, &b);
    b.ids = other;
    ck_computed(ws, m, &b);
    b.B = 3;
    b.T = offsets[3];
    ck_computed(ws, m, &b);
    b.types = NULL;
    ck_computed(ws, m, &b);
    b.B = 1;
    b.T = offsets[1];
    b.ids = ids + 2;
    ck_computed(ws, m, &b);
    ck_computed(ws, m, &b);
}

/* what does not begin with the embeddings of these tokens, or not with this encoder */
static void ck_others(encoder_ws *ws, const encoder *m) {
    const int H = m->c.H;
    float delta[T * 128], *h = malloc((size_t)(T * H) * sizeof *h), *x[2];
    batch b = all;
    encoder *twin_of = NULL;
    encoder_ws *own = workspace(m);
    for (int i = 0; i < T * H; i++)
        delta[i] = h[i] = 0.01f * (float)(i % 29);
    b.types = NULL;
    b.delta = delta;
    ck_computed(ws, m, &b);
    b.delta = NULL;
    for (int k = 0; k < 2; k++) {
        x[k] = malloc((size_t)(T * H) * sizeof *h);
        ck_ok(encoder_block(k ? own : ws, m, 0, &b, h, STAGE_ATT, x[k]));
    }
    ck_assert_mem_eq(x[0], x[1], (size_t)(T * H) * sizeof *h);
    ck_ok(encoder_copy(m, &twin_of));
    for (size_t i = 0; i < twin_of->n; i++)
        twin_of->block[i] *= 0.5f;
    ck_computed(ws, twin_of, &b);
    ck_computed(ws, m, &b);
    encoder_destroy(&twin_of);
    encoder_ws_destroy(&own);
    free(h);
    free(x[0]);
    free(x[1]);
}

static const struct {
    encoder_kind family;
    int H, L;
    precision p;
} shapes[] = {{ENCODER_BERT, 16, 3, FLOAT32},       {ENCODER_ROBERTA, 20, 3, FLOAT32},
              {ENCODER_DISTILBERT, 20, 2, FLOAT32}, {ENCODER_BERT, 128, 2, FLOAT32},
              {ENCODER_BERT, 128, 2, BFLOAT16},     {ENCODER_BERT, 16, 1, FLOAT32}};

/* queries, keys and values that are kept by token give the bits of computed ones; room for none,
 * for fewer tokens than a batch has, for some batches, for all */
START_TEST(same_bits) {
    static const size_t room[] = {0, 15, 40, 1000};
    const encoder_kind family = shapes[_i].family;
    encoder_config c = {.family = family,
                        .V = PIECES,
                        .H = shapes[_i].H,
                        .L = shapes[_i].L,
                        .A = 4,
                        .F = 48,
                        .P = 10,
                        .Y = encoder_family_of((int)family)->types ? 2 : 0,
                        .first_position = family == ENCODER_ROBERTA ? 3 : 0,
                        .K = 2,
                        .norm_eps = 1e-12f,
                        .p = gemm_has_bfloat16() ? shapes[_i].p : FLOAT32};
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    for (int k = 0; k < 4; k++) {
        first_layer *f;
        ck_ok(first_layer_create(room[k] * (size_t)(12 * c.H + KEY_TABLE_BYTES), &f));
        for (int again = 0; again < 2; again++) {
            encoder_ws_remember(ws, f, m);
            ck_batches(ws, m);
            ck_others(ws, m);
            for (size_t i = 0; i < m->n; i++) /* told anew it knows nothing */
                m->block[i] *= 0.75f;
        }
        encoder_ws_remember(ws, NULL, NULL);
        first_layer_destroy(&f);
    }
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

static Suite *first_layer_suite(void) {
    Suite *s = suite_create("first_layer");
    TCase *t = tcase_create("kept");
    tcase_add_loop_test(t, same_bits, 0, sizeof shapes / sizeof *shapes);
    suite_add_tcase(s, t);
    return s;
}

int main(void) {
    SRunner *r = srunner_create(first_layer_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
