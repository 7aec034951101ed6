/* what pruning changed inside: [CLS] vectors and attention against another computation */
#include "prune/drift.h"
#include "toy.h"

#include <math.h>

START_TEST(nothing_changed) {
    encoder *m = toy_encoder(2, 0, 3);
    examples x = toy_examples(9, 5);
    drift_layer d[3];
    ck_ok(drift_measure(m, m, &x, d));
    for (int l = 0; l < 3; l++) {
        ck_assert(d[l].distance == 0.0 && d[l].relative == 0.0 && fabs(d[l].cosine - 1.0) < 1e-12);
        ck_assert(l == 0 ? isnan(d[l].attention) : d[l].attention == 0.0);
    }
    examples_free(&x);
    encoder_destroy(&m);
}
END_TEST

/* Without keys every token attends to all alike; so a map's row is 1 / S, and what the first block
 * attends to is known on both sides. */
START_TEST(known_attention) {
    encoder *m = toy_encoder(2, 0, 3), *blind;
    examples x = toy_examples(4, 5);
    for (int l = 0; l < 2; l++)
        for (linear_kind k = LINEAR_QUERY; k <= LINEAR_KEY; k++) {
            linear_view v = encoder_linear(m, l, k);
            for (int i = 0; i < v.out * v.in; i++)
                v.w[i] *= 20.0f;
        }
    ck_ok(encoder_copy(m, &blind));
    for (int l = 0; l < 2; l++) {
        linear_view v = encoder_linear(blind, l, LINEAR_KEY);
        memset(v.w, 0, (size_t)(v.out * v.in) * sizeof *v.w);
    }
    double map[2 * 12 * 12], even[2 * 12 * 12], want = 0.0;
    for (int row = 0; row < x.n; row++) {
        int S = (int)(x.offset[row + 1] - x.offset[row]);
        ck_ok(drift_map(m, &x, row, map));
        ck_ok(drift_map(blind, &x, row, even));
        for (int t = 0; t < 2 * S; t++) {
            double sum = 0.0;
            for (int j = 0; j < S; j++) {
                sum += map[t * S + j];
                ck_assert_double_eq_tol(even[t * S + j], 1.0 / S, 1e-12);
            }
            ck_assert_double_eq_tol(sum, 1.0, 1e-12);
        }
    }
    /* heads of 8 of which the second has no queries either: its attention does not differ */
    linear_view v = encoder_linear(m, 0, LINEAR_QUERY);
    memset(v.w + 8 * 16, 0, 8 * 16 * sizeof *v.w);
    memset(v.b + 8, 0, 8 * sizeof *v.b);
    for (int row = 0; row < x.n; row++) {
        int S = (int)(x.offset[row + 1] - x.offset[row]);
        ck_ok(drift_map(m, &x, row, map)); /* (head 1 + even) / 2 */
        for (int i = 0; i < S * S; i++)
            want += 0.5 * fabs(map[i] - 1.0 / S) / S / x.n; /* half of head 1's variation */
    }
    drift_layer d[3];
    ck_ok(drift_measure(m, blind, &x, d));
    ck_assert(want > 0.01);
    ck_assert_double_eq_tol(d[1].attention, want, 1e-12);
    ck_assert(d[0].distance == 0.0 && d[1].distance > 0.0 && d[2].cosine < 1.0);
    examples_free(&x);
    encoder_destroy(&m);
    encoder_destroy(&blind);
}
END_TEST

/* final [CLS] vectors by the other forward pass */
START_TEST(known_distance) {
    encoder *m = toy_encoder(2, 0, 3), *other = toy_encoder(2, 0, 4);
    memcpy(other->p.word_emb, m->p.word_emb, 24 * 16 * sizeof(float));
    examples x = toy_examples(5, 5);
    encoder_ws *ws;
    packer *pack;
    drift_layer d[3];
    double distance = 0.0;
    ck_ok(encoder_ws_create(&m->c, &ws));
    ck_ok(packer_create(&x, 5, &pack));
    int32_t rows[5] = {0, 1, 2, 3, 4};
    float cls[5 * 16];
    batch b;
    ck_ok(packer_pack(pack, rows, 5, &b));
    for (int k = 0; k < 2; k++) {
        double square[5] = {0.0};
        ck_ok(encoder_forward(ws, k ? other : m, &b, NULL, 0));
        for (int i = 0; i < 5 * 16; i++) {
            float h = encoder_hidden(ws, 2)[b.offsets[i / 16] * 16 + i % 16];
            square[i / 16] += k ? pow((double)h - (double)cls[i], 2.0) : 0.0;
            cls[i] = h;
        }
        for (int i = 0; i < 5; i++)
            distance += sqrt(square[i]) / 5.0;
    }
    ck_ok(drift_measure(m, other, &x, d));
    ck_assert_double_eq_tol(d[2].distance, distance, 1e-5);
    packer_destroy(&pack);
    encoder_ws_destroy(&ws);
    examples_free(&x);
    encoder_destroy(&m);
    encoder_destroy(&other);
}
END_TEST

int main(void) {
    Suite *s = suite_create("drift");
    TCase *t = tcase_create("drift");
    tcase_add_test(t, nothing_changed);
    tcase_add_test(t, known_attention);
    tcase_add_test(t, known_distance);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
