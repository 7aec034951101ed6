/* The encoder: layout of the block, forward pass against the float64 reference, dropout as a
 * function, the stages of a block, refusals. */
#include "base/arena.h"
#include "model/dropout.h"
#include "model/encoder_reference.h"
#include "small_encoder.h"
#include "tensor/amx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAYS = 128 };

static encoder_config config(int H, int A, int F) {
    return (encoder_config){.V = PIECES,
                            .H = H,
                            .L = 3,
                            .A = A,
                            .F = F,
                            .P = 10,
                            .Y = 2,
                            .K = 2,
                            .mlm = 1,
                            .norm_eps = 1e-12f};
}

/* what differs between the families' shapes */
static encoder_config config_family(encoder_kind family) {
    encoder_config c = config(20, 5, 33);
    c.family = family;
    c.Y = encoder_family_of((int)family)->types ? 2 : 0;
    c.first_position = family == ENCODER_ROBERTA ? 3 : 0;
    return c;
}

static double *twin(const encoder *m) {
    double *block;
    ck_ok(mem_alloc(m->n, sizeof *block, &block));
    for (size_t i = 0; i < m->n; i++)
        block[i] = (double)m->block[i];
    return block;
}

/* relative Frobenius error */
static double error(const float *x, const double *y, int n) {
    double gap = 0.0, size = 0.0;
    for (int i = 0; i < n; i++) {
        gap += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        size += y[i] * y[i];
    }
    return sqrt(gap / size);
}

/* every float of the block belongs to one array, in order; views and arrays agree */
START_TEST(layout) {
    encoder_config c = config(8, 2, 12);
    c.K = _i & 1 ? 2 : 0;
    c.mlm = _i & 2 ? 1 : 0;
    c.L = 1 + (_i >> 2);
    encoder *m = make(&c);
    encoder_array a[ARRAYS];
    int n = encoder_arrays(&c, a, ARRAYS);
    ck_assert_int_eq(n, 5 + 16 * c.L + 2 + (c.K ? 2 : 0) + (c.mlm ? 5 : 0));
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        ck_assert_uint_eq(a[i].offset, at);
        at += (size_t)a[i].rows * (size_t)a[i].cols;
        const float *x = m->block + a[i].offset;
        if (strcmp(a[i].name, "bert.encoder.layer.0.attention.output.dense.weight") == 0)
            ck_assert_ptr_eq(x, m->p.att_w);
        if (strcmp(a[i].name, "bert.pooler.dense.weight") == 0)
            ck_assert_ptr_eq(x, m->p.pool_w);
        if (strcmp(a[i].name, "cls.predictions.bias") == 0)
            ck_assert_ptr_eq(x, m->p.mlm_bias);
        if (a[i].layer == c.L - 1 && strstr(a[i].name, "key.bias"))
            ck_assert_ptr_eq(x, m->p.key_b + (size_t)(c.L - 1) * m->p.layer_stride);
    }
    ck_assert_uint_eq(at, encoder_count(&c));
    ck_assert_ptr_eq(m->p.key_w, m->p.query_w + 64); /* one (3H, H) matrix */
    ck_assert_ptr_eq(m->p.value_w, m->p.query_w + 128);
    ck_assert_ptr_eq(m->p.value_b, m->p.query_b + 16);
    ck_assert((m->p.class_w != NULL) == (c.K > 0) && (m->p.mlm_w != NULL) == c.mlm);
    encoder_destroy(&m);
}
END_TEST

/* widths that are and are not multiples of a vector, more and fewer feed-forward than hidden units
 */
static void check_forward(const encoder_config *given) {
    encoder_config c = *given;
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    double *block = twin(m), *h, logits[8];
    const float *mine;
    batch b = all;
    b.types = c.Y ? types : NULL;
    ck_ok(mem_alloc((size_t)(T * c.H), sizeof *h, &h));
    dropout drop = {.seed = 3, .epoch = 1, .hidden = 0.25f, .attention = 0.1f};
    for (int with = 0; with < 2; with++) {
        const dropout *d = with ? &drop : NULL;
        ck_ok(encoder_reference_forward(h, m, block, &b, d));
        ck_ok(encoder_reference_classify(logits, m, block, &b, d));
        ck_ok(encoder_forward(ws, m, &b, d, 0));
        ck_assert_double_le(error(encoder_hidden(ws, c.L), h, T * c.H), 1e-5);
        ck_ok(encoder_classify(ws, m, &b, d, &mine));
        ck_assert_double_le(error(mine, logits, 4 * c.K), 1e-5);
    }
    free(h);
    free(block);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}

START_TEST(forward_is_reference) {
    static const int shape[][3] = {{16, 2, 40}, {24, 4, 8}, {20, 5, 33}, {6, 1, 50}, {64, 4, 128}};
    encoder_config c = config(shape[_i][0], shape[_i][1], shape[_i][2]);
    check_forward(&c);
}
END_TEST

START_TEST(forward_of_families) {
    encoder_config c = config_family((encoder_kind)_i);
    check_forward(&c);
}
END_TEST

/* rows of pos_emb before the first position change nothing, the row of the first one does; types
 * that a family does not have are refused */
START_TEST(positions_of_roberta) {
    encoder_config c = config_family(ENCODER_ROBERTA);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    const float *logits;
    float before, after;
    ck_ok(encoder_classify(ws, m, &all, NULL, &logits));
    before = logits[0];
    for (int i = 0; i < 3 * c.H; i++)
        m->p.pos_emb[i] += 1.0f;
    ck_ok(encoder_classify(ws, m, &all, NULL, &logits));
    after = logits[0];
    ck_assert_float_eq(before, after);
    m->p.pos_emb[3 * c.H] += 1.0f;
    ck_ok(encoder_classify(ws, m, &all, NULL, &logits));
    ck_assert_float_ne(before, logits[0]);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
    /* positions behind the last one */
    const int32_t many[11] = {0}, whole[] = {0, 11};
    batch b = {.B = 1, .T = 11, .ids = many, .offsets = whole};
    c.P = 10;
    m = make(&c);
    ws = workspace(m);
    ck_assert_int_eq(encoder_forward(ws, m, &b, NULL, 0), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "has 11 tokens, the encoder 10 positions"));
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
    c = config_family(ENCODER_DISTILBERT);
    m = make(&c);
    ws = workspace(m);
    ck_assert_int_eq(encoder_classify(ws, m, &all, NULL, &logits), ERR_DATA);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

/* keeping hidden states, growing and shrinking batches change nothing */
START_TEST(workspace_is_invisible) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m), *fresh = workspace(m);
    batch first = all;
    first.B = 1;
    first.T = 4;
    double loss;
    ck_ok(encoder_forward(ws, m, &first, NULL, 1));
    ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, NULL, &loss));
    ck_ok(encoder_forward(ws, m, &first, NULL, 0));
    ck_ok(encoder_forward(fresh, m, &first, NULL, 0));
    ck_assert_mem_eq(encoder_hidden(ws, c.L), encoder_hidden(fresh, c.L), 4 * 16 * sizeof(float));
    ck_ok(encoder_forward(ws, m, &all, NULL, 1));
    ck_ok(encoder_forward(fresh, m, &all, NULL, 0));
    ck_assert_mem_eq(encoder_hidden(ws, c.L), encoder_hidden(fresh, c.L), T * 16 * sizeof(float));
    encoder_ws_destroy(&ws);
    encoder_ws_destroy(&fresh);
    encoder_destroy(&m);
}
END_TEST

/* the last layer computed for the first tokens alone gives the bits of the whole one */
START_TEST(first_tokens_are_those_of_the_whole) {
    encoder_config c = config(32, 4, 80);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m), *whole = workspace(m);
    const float *logits;
    if (!gemm_rows_independent())
        return; /* the libraries' products depend on how many rows there are */
    dropout drop = {.seed = 3, .epoch = 1, .hidden = 0.2f, .attention = 0.3f};
    for (int with = 0; with < 2; with++) {
        ck_ok(encoder_classify(ws, m, &all, with ? &drop : NULL, &logits));
        ck_ok(encoder_forward(whole, m, &all, with ? &drop : NULL, 0));
        for (int b = 0; b < all.B; b++)
            ck_assert_mem_eq(encoder_hidden(ws, c.L) + b * c.H,
                             encoder_hidden(whole, c.L) + all.offsets[b] * c.H,
                             (size_t)c.H * sizeof(float));
    }
    encoder_ws_destroy(&ws);
    encoder_ws_destroy(&whole);
    encoder_destroy(&m);
}
END_TEST

/* relative distance of h (n) from g */
static double gap_of(const float *h, const float *g, size_t n) {
    double gap = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        gap += pow((double)g[i] - (double)h[i], 2);
        size += pow((double)g[i], 2);
    }
    return sqrt(gap / size);
}

/* 128 wide: all products with weights are on the matrix unit, and as near to the exact ones as
 * those of vectors */
START_TEST(matrix_unit_computes_the_same) {
    encoder_config c = config(128, 4, 256);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    double loss, other;
    float *g = calloc(2 * m->n, sizeof *g), *h = g + m->n;
    for (size_t i = 0; i < m->n; i++)
        m->block[i] *= 0.2f;
    amx_use(0);
    ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, g, &loss));
    amx_use(1);
    ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, h, &other));
    ck_assert_double_le(fabs(loss - other), 1e-6 * fabs(loss));
    ck_assert_double_le(gap_of(h, g, m->n), 1e-5);
    if (amx_here())
        ck_assert_mem_ne(g, h, m->n * sizeof *g);
    free(g);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

/* products of bfloat16 are near those of float32, gradients too, and not the same */
START_TEST(bfloat16_is_near) {
    encoder_config c = config(32, 4, 80);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    double loss, rounded;
    float *g = calloc(2 * m->n, sizeof *g), *h = g + m->n;
    if (!gemm_has_bfloat16())
        return;
    ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, g, &loss));
    m->c.p = BFLOAT16;
    ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, h, &rounded));
    ck_assert_double_ne(loss, rounded);
    ck_assert_double_le(fabs(loss - rounded), 0.02 * fabs(loss));
    ck_assert_double_le(gap_of(g, h, m->n), 0.05); /* 8 bits: 0.004 a rounding */
    free(g);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

/* the mask is the documented function of Random123's numbers, at the documented rate */
START_TEST(dropout_is_a_function) {
    enum { ROWS = 5, N = 150 };
    float mask[ROWS * N];
    dropout d = {.seed = 0x123456789abcdef0u, .epoch = 4};
    const double p = 0.3, t = round(p * 65536);
    dropout_mask(mask, &d, DROPOUT_PROBS, 7, 2, 41, (float)p, ROWS, N);
    uint32_t first[4], words[4];
    rng_block(d.seed, RNG_DROPOUT, DROPOUT_PROBS | 7u << 8, 4, 41, first);
    uint64_t key = first[0] | (uint64_t)first[1] << 32;
    int dropped = 0;
    for (uint32_t u = 0; u < ROWS * N; u++) {
        rng_block(key, RNG_DROPOUT, 2, 0, u / 128 * 16 + u % 16, words);
        uint32_t word = words[u / 32 % 4], bits = u / 16 % 2 ? word >> 16 : word & 0xffff;
        int drop = (double)bits < t;
        ck_assert_float_eq(mask[u], drop ? 0.0f : (float)(1.0 / (1.0 - t / 65536)));
        dropped += drop;
    }
    ck_assert_int_gt(dropped, ROWS * N / 4); /* 225 expected, deviation 13 */
    ck_assert_int_lt(dropped, ROWS * N * 3 / 8);
}
END_TEST

/* an example's dropped activations do not depend on its neighbours or its place in the batch */
START_TEST(dropout_follows_the_example) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    dropout d = {.seed = 8, .epoch = 3, .hidden = 0.2f, .attention = 0.2f};
    const int32_t examples[] = {10, 11, 12, 13}, alone_offsets[] = {0, 10};
    batch b = all;
    b.example = examples;
    batch alone = {.B = 1,
                   .T = 10,
                   .ids = ids + 6,
                   .types = types + 6,
                   .offsets = alone_offsets,
                   .labels = labels,
                   .example = examples + 2};
    const float *logits;
    double together[2];
    ck_ok(encoder_classify(ws, m, &b, &d, &logits));
    for (int k = 0; k < 2; k++)
        together[k] = (double)logits[4 + k];
    ck_ok(encoder_classify(ws, m, &alone, &d, &logits));
    /* equal but for the rounding of a GEMM of another size */
    ck_assert_double_le(error(logits, together, 2), 1e-5);
    d.epoch = 4;
    ck_ok(encoder_classify(ws, m, &alone, &d, &logits));
    ck_assert_double_ge(error(logits, together, 2), 1e-3);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

/* stages of a block that go on from a kept one: as from the block's input, bit by bit */
static void goes_on(encoder_ws *ws, const encoder *m, int l, const float *h) {
    float x[T * 40], mid[T * 16], whole[T * 40], on[T * 40];
    ck_ok(encoder_block(ws, m, l, &all, h, STAGE_INTER, mid));
    for (block_stage from = STAGE_QKV; from <= STAGE_OUT; from++)
        for (block_stage to = from; to < STAGE_COUNT; to++) {
            size_t n = (to == STAGE_OUT ? 40 : 16) * T;
            const float *beside = from == STAGE_ATT ? h : from == STAGE_OUT ? mid : NULL;
            ck_ok(encoder_block(ws, m, l, &all, h, from, x));
            ck_ok(encoder_block(ws, m, l, &all, h, to, whole));
            ck_ok(encoder_block_from(ws, m, l, &all, from, x, beside, to, on));
            ck_assert_mem_eq(on, whole, n * sizeof *on);
        }
    ck_assert_int_eq(encoder_block_from(ws, m, l, &all, STAGE_DONE, x, NULL, STAGE_DONE, x),
                     ERR_FAILED);
    ck_assert_int_eq(encoder_block_from(ws, m, l, &all, STAGE_INTER, x, NULL, STAGE_ATT, on),
                     ERR_FAILED);
}

/* embed and block stage by stage: the forward pass, bit by bit; each stage is the linear's input */
START_TEST(stages) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m), *kept = workspace(m);
    float h[T * 16], x[T * 40], u[T * 40];
    ck_ok(encoder_forward(kept, m, &all, NULL, 1));
    ck_ok(encoder_embed(ws, m, &all, h));
    for (int l = 0; l < c.L; l++) {
        ck_assert_mem_eq(h, encoder_hidden(kept, l), sizeof h);
        ck_ok(encoder_block(ws, m, l, &all, h, STAGE_INTER, u));
        ck_ok(encoder_block(ws, m, l, &all, h, STAGE_OUT, x));
        linear_view v = encoder_linear(m, l, LINEAR_INTER);
        double want = (double)v.b[7];
        for (int j = 0; j < 16; j++)
            want += (double)u[3 * 16 + j] * (double)v.w[7 * 16 + j];
        want *= 0.5 * erfc(-want / sqrt(2.0));
        ck_assert_double_eq_tol((double)x[3 * 40 + 7], want, 1e-5);
        ck_ok(encoder_block(ws, m, l, &all, h, STAGE_QKV, x));
        ck_assert_mem_eq(x, h, sizeof h);
        goes_on(ws, m, l, h);
        ck_ok(encoder_block(ws, m, l, &all, h, STAGE_DONE, x));
        memcpy(h, x, sizeof h);
    }
    ck_assert_mem_eq(h, encoder_hidden(kept, c.L), sizeof h);
    encoder_ws_destroy(&ws);
    encoder_ws_destroy(&kept);
    encoder_destroy(&m);
}
END_TEST

START_TEST(linears) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    size_t prunable = 0, seen = 0;
    encoder_array a[ARRAYS];
    int n = encoder_arrays(&c, a, ARRAYS);
    for (int i = 0; i < n; i++)
        prunable += a[i].prunable ? (size_t)a[i].rows * (size_t)a[i].cols : 0;
    for (int l = 0; l < c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            seen += (size_t)v.out * (size_t)v.in;
            ck_assert_int_eq(v.in, v.stage == STAGE_OUT ? 40 : 16);
        }
    ck_assert_uint_eq(prunable, seen);
    encoder_destroy(&m);
}
END_TEST

/* a function of seed; weights normal(0, 0.02); a head that comes later changes nothing else */
START_TEST(initialisation) {
    encoder_config c = config(64, 4, 128);
    encoder *m, *other;
    ck_ok(encoder_create(&c, &m));
    encoder_init(m, 42);
    double sum = 0.0, squares = 0.0;
    int n = c.F * c.H;
    for (int i = 0; i < n; i++) {
        sum += (double)m->p.inter_w[i];
        squares += (double)m->p.inter_w[i] * (double)m->p.inter_w[i];
    }
    /* five standard errors of a mean and of a deviation */
    ck_assert_double_le(fabs(sum / n), 5 * 0.02 / sqrt(n));
    ck_assert_double_le(fabs(sqrt(squares / n) - 0.02), 5 * 0.02 / sqrt(2.0 * n));
    ck_assert_float_eq(m->p.inter_b[3], 0.0f);
    ck_assert_float_eq(m->p.out_norm_w[3], 1.0f);
    ck_assert_float_eq(m->p.out_norm_b[3], 0.0f);
    ck_assert_mem_ne(m->p.query_w, m->p.query_w + m->p.layer_stride, 64);
    c.K = 0;
    ck_ok(encoder_create(&c, &other));
    encoder_init(other, 42);
    ck_assert_mem_eq(other->p.inter_w, m->p.inter_w, (size_t)n * sizeof(float));
    ck_assert_mem_eq(other->p.mlm_w, m->p.mlm_w, 64 * 64 * sizeof(float));
    encoder_init(other, 43);
    ck_assert_mem_ne(other->p.inter_w, m->p.inter_w, (size_t)n * sizeof(float));
    encoder_destroy(&m);
    encoder_destroy(&other);
}
END_TEST

static void refused(encoder_ws *ws, const encoder *m, batch b, const char *says) {
    ck_assert_int_eq(encoder_forward(ws, m, &b, NULL, 0), ERR_DATA);
    ck_assert_msg(strstr(err_message(), says) != NULL, "\"%s\" lacks \"%s\"", err_message(), says);
}

START_TEST(bad_batches) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    int32_t bad[T], bad_labels[] = {1, 0, 2, 1};
    batch b = all;
    b.ids = memcpy(bad, ids, sizeof ids);
    bad[9] = 13;
    refused(ws, m, b, "token 9 of the batch has id 13");
    bad[9] = -1;
    refused(ws, m, b, "id -1");
    b = all;
    b.types = memcpy(bad, types, sizeof types);
    bad[4] = 2;
    refused(ws, m, b, "type 2");
    static const int32_t long_one[] = {0, 11, 23}, empty[] = {0, 4, 4, 23}, shorter[] = {0, 22};
    b = all;
    b.B = 2;
    b.offsets = long_one;
    refused(ws, m, b, "11 tokens, the encoder 10 positions");
    b.B = 3;
    b.offsets = empty;
    refused(ws, m, b, "sequence 1 of the batch is empty");
    b.B = 1;
    b.offsets = shorter;
    refused(ws, m, b, "offsets");
    double loss;
    b = all;
    b.labels = bad_labels;
    ck_assert_int_eq(encoder_classify_step(ws, m, &b, NULL, 1.0f, NULL, &loss), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "label 2"));
    int32_t position = T, target = 0;
    ck_assert_int_eq(encoder_mlm_step(ws, m, &all, &position, &target, 1, NULL, 1.0f, NULL, &loss),
                     ERR_DATA);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

/* a NaN anywhere in the weights is seen in the loss */
START_TEST(nan_is_seen) {
    encoder_config c = config(16, 2, 40);
    encoder *m = make(&c);
    encoder_ws *ws = workspace(m);
    encoder_array a[ARRAYS];
    int n = encoder_arrays(&c, a, ARRAYS);
    for (int i = 0; i < n; i++) {
        if (strncmp(a[i].name, "cls.", 4) == 0 || strstr(a[i].name, "position"))
            continue;
        /* word 1 is in every sequence */
        float *x = m->block + a[i].offset + (strstr(a[i].name, "word") ? c.H : 0), was = *x;
        double loss;
        *x = NAN;
        ck_ok(encoder_classify_step(ws, m, &all, NULL, 1.0f, NULL, &loss));
        ck_assert_msg(isnan(loss), "%s", a[i].name);
        *x = was;
    }
    double p[2];
    const float bad[] = {NAN, 1.0f};
    encoder_softmax(p, bad, 1, 2);
    ck_assert_double_nan(p[0]);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
}
END_TEST

int main(void) {
    Suite *s = suite_create("encoder");
    TCase *c = tcase_create("forward");
    tcase_add_loop_test(c, layout, 0, 12);
    tcase_add_loop_test(c, forward_is_reference, 0, 5);
    tcase_add_loop_test(c, forward_of_families, 0, ENCODER_KINDS);
    tcase_add_test(c, positions_of_roberta);
    tcase_add_test(c, workspace_is_invisible);
    tcase_add_test(c, first_tokens_are_those_of_the_whole);
    tcase_add_test(c, matrix_unit_computes_the_same);
    tcase_add_test(c, bfloat16_is_near);
    tcase_add_test(c, dropout_is_a_function);
    tcase_add_test(c, dropout_follows_the_example);
    tcase_add_test(c, stages);
    tcase_add_test(c, linears);
    tcase_add_test(c, initialisation);
    tcase_add_test(c, bad_batches);
    tcase_add_test(c, nan_is_seen);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
