/* Checkpoints: round trip, the same bytes, what is wanted of the heads, refusals by file and name.
 */
#include "base/arena.h"
#include "base/rng.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "model/encoder.h"
#include "unit/scratch.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAYS = 64, EXTRA = 8 };

static const char scratch[] = "checkpoint"; /* in the test program's own folder */

static const char *in_scratch(const char *name) {
    static char path[4096];
    ck_ok(path_join(path, scratch, name));
    return path;
}

static encoder *make_family(encoder_kind family, int K, int mlm) {
    encoder_config c = {.V = 13, .H = 8, .L = 2, .A = 2, .F = 12, .P = 10, .Y = 2, .K = K};
    c.family = family;
    c.mlm = mlm;
    c.norm_eps = family == ENCODER_ROBERTA ? 1e-5f : 1e-12f;
    if (family == ENCODER_DISTILBERT)
        c.Y = 0;
    if (family == ENCODER_ROBERTA)
        c.first_position = 2;
    for (int k = 0; k < K; k++)
        snprintf(c.label[k], sizeof c.label[k], "class %d", k);
    encoder *m;
    ck_ok(encoder_create(&c, &m));
    encoder_init(m, 6);
    for (size_t i = 0; i < m->n; i++) /* so that biases differ from a fresh start */
        m->block[i] += 0.01f * (float)(i % 7);
    return m;
}

static encoder *make(int K, int mlm) {
    return make_family(ENCODER_BERT, K, mlm);
}

static const encoder_want as_is = {-1, -1, 0};

START_TEST(round_trip) {
    int K = _i & 1 ? 3 : 0, mlm = _i >> 1 & 1;
    encoder *m = make_family((encoder_kind)(_i >> 2), K, mlm), *back;
    put_text("words", "[PAD]\n[UNK]\n");
    ck_ok(encoder_save(m, scratch, "words"));
    ck_ok(encoder_load(scratch, as_is, &back));
    ck_assert_uint_eq(back->n, m->n);
    ck_assert_mem_eq(back->block, m->block, m->n * sizeof *m->block);
    ck_assert_int_eq(back->c.K, K);
    ck_assert_int_eq(back->c.mlm, mlm);
    ck_assert_int_eq(back->c.family, m->c.family);
    ck_assert_int_eq(back->c.P, 10);
    ck_assert_int_eq(back->c.first_position, m->c.first_position);
    ck_assert_float_eq(back->c.norm_eps, m->c.norm_eps);
    for (int k = 0; k < K; k++)
        ck_assert_str_eq(back->c.label[k], m->c.label[k]);
    char *first[3], *second[3];
    size_t n[3], again;
    static const char *const names[] = {"config.json", "model.safetensors", "vocab.txt"};
    for (int i = 0; i < 3; i++)
        ck_ok(file_read(in_scratch(names[i]), &first[i], &n[i]));
    ck_ok(encoder_save(back, scratch, "words"));
    for (int i = 0; i < 3; i++) {
        ck_ok(file_read(in_scratch(names[i]), &second[i], &again));
        ck_assert_uint_eq(n[i], again);
        ck_assert_mem_eq(first[i], second[i], again);
        free(first[i]);
        free(second[i]);
    }
    encoder_destroy(&m);
    encoder_destroy(&back);
}
END_TEST

/* a vocabulary of byte pairs goes with its merges */
START_TEST(byte_pair_vocabulary) {
    encoder *m = make_family(ENCODER_ROBERTA, 2, 0);
    char *bytes;
    size_t n;
    put_text("vocab.json", "{}");
    put_text("merges.txt", "a b\n");
    ck_ok(encoder_save(m, "pairs", "./vocab.json"));
    ck_ok(file_read("pairs/merges.txt", &bytes, &n));
    ck_assert_str_eq(bytes, "a b\n");
    free(bytes);
    ck_assert(path_exists("pairs/vocab.json") && !path_exists("pairs/vocab.txt"));
    ck_ok(encoder_save(m, "pairs", "vocab.json"));
    encoder_destroy(&m);
}
END_TEST

START_TEST(wanted_heads) {
    encoder *m = make(3, 1), *got;
    ck_ok(encoder_save(m, scratch, NULL));
    ck_ok(encoder_load(scratch, (encoder_want){0, 0, 0}, &got)); /* neither */
    ck_assert(got->c.K == 0 && got->c.mlm == 0);
    ck_assert_mem_eq(got->p.pool_w, m->p.pool_w, 64 * sizeof(float));
    encoder_destroy(&got);
    ck_ok(encoder_load(scratch, (encoder_want){3, 1, 0}, &got)); /* both, as they are */
    ck_assert_mem_eq(got->p.class_w, m->p.class_w, 24 * sizeof(float));
    encoder_destroy(&got);
    ck_ok(encoder_load(scratch, (encoder_want){2, 0, 77}, &got)); /* another number of classes */
    ck_assert_int_eq(got->c.K, 2);
    ck_assert_str_eq(got->c.label[1], "LABEL_1");
    ck_assert_mem_ne(got->p.class_w, m->p.class_w, 16 * sizeof(float));
    ck_assert_float_eq(got->p.class_b[0], 0.0f);
    ck_assert_mem_eq(got->p.out_w, m->p.out_w, 96 * sizeof(float));
    encoder *twice;
    ck_ok(encoder_load(scratch, (encoder_want){2, 0, 77}, &twice));
    ck_assert_mem_eq(got->block, twice->block, got->n * sizeof(float));
    encoder_destroy(&twice);
    encoder_destroy(&got);
    encoder_destroy(&m);
    m = make(0, 0);
    ck_ok(encoder_save(m, scratch, NULL));
    ck_assert_int_eq(encoder_load(scratch, (encoder_want){-1, 1, 0}, &got), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "cls.predictions.bias"));
    encoder_destroy(&m);
}
END_TEST

/* --- checkpoints that are not as they should be --- */

typedef struct weights {
    encoder *m;
    encoder_array a[ARRAYS];
    st_array st[ARRAYS + EXTRA];
    int n;
} weights;

/* the arrays of a good checkpoint, for a test to spoil */
static void weights_make(weights *w, int K, int mlm) {
    w->m = make(K, mlm);
    ck_ok(encoder_save(w->m, scratch, NULL));
    w->n = encoder_arrays(&w->m->c, w->a, ARRAYS);
    for (int i = 0; i < w->n; i++) {
        const encoder_array *a = &w->a[i];
        int vector = strstr(a->name, ".bias") || strstr(a->name, "LayerNorm");
        w->st[i] = (st_array){.name = a->name, .dtype = ST_F32, .rank = vector ? 1 : 2};
        w->st[i].shape[0] = vector ? a->cols : a->rows;
        w->st[i].shape[1] = vector ? 0 : a->cols;
        w->st[i].count = (int64_t)a->rows * a->cols;
        w->st[i].data = w->m->block + a->offset;
    }
}

static st_array *named(weights *w, const char *name) {
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->st[i].name, name) == 0)
            return &w->st[i];
    ck_abort_msg("%s", name);
    return NULL;
}

static void add(weights *w, const char *name, int64_t rows, int64_t cols, const float *data) {
    w->st[w->n++] = (st_array){.name = name,
                               .dtype = ST_F32,
                               .rank = 2,
                               .shape = {rows, cols},
                               .count = rows * cols,
                               .data = data};
}

static encoder *load(weights *w, encoder_want want) {
    encoder *got;
    ck_ok(safetensors_write(in_scratch("model.safetensors"), w->st, w->n));
    ck_ok(encoder_load(scratch, want, &got));
    return got;
}

static void refused(weights *w, const char *says) {
    encoder *got = NULL;
    ck_ok(safetensors_write(in_scratch("model.safetensors"), w->st, w->n));
    ck_assert_int_eq(encoder_load(scratch, as_is, &got), ERR_DATA);
    ck_assert_ptr_null(got);
    ck_assert_msg(strstr(err_message(), says) && strstr(err_message(), "model.safetensors"),
                  "\"%s\" lacks \"%s\"", err_message(), says);
    encoder_destroy(&w->m);
}

START_TEST(without_prefix) {
    weights w;
    weights_make(&w, 2, 0);
    for (int i = 0; i < w.n; i++)
        if (strncmp(w.st[i].name, "bert.", 5) == 0)
            w.st[i].name += 5;
    encoder *got = load(&w, as_is);
    ck_assert_mem_eq(got->block, w.m->block, got->n * sizeof(float));
    encoder_destroy(&got);
    encoder_destroy(&w.m);
}
END_TEST

START_TEST(without_pooler) {
    weights w;
    weights_make(&w, 0, 1);
    int n = 0;
    for (int i = 0; i < w.n; i++)
        if (!strstr(w.st[i].name, "pooler"))
            w.st[n++] = w.st[i];
    w.n = n;
    encoder *got = load(&w, (encoder_want){2, 0, 3});
    ck_assert_float_ne(got->p.pool_w[0], 0.0f);
    ck_assert_float_ne(got->p.class_w[0], 0.0f);
    ck_assert_mem_eq(got->p.word_emb, w.m->p.word_emb, 13 * 8 * sizeof(float));
    encoder_destroy(&got);
    encoder_destroy(&w.m);
}
END_TEST

START_TEST(harmless_arrays) {
    weights w;
    weights_make(&w, 0, 1);
    float zeros[16] = {0};
    add(&w, "cls.predictions.decoder.weight", 13, 8, w.m->p.word_emb);
    add(&w, "cls.seq_relationship.weight", 2, 8, zeros);
    add(&w, "bert.embeddings.position_ids", 1, 10, zeros);
    encoder *got = load(&w, as_is);
    ck_assert_mem_eq(got->block, w.m->block, got->n * sizeof(float));
    encoder_destroy(&got);
    encoder_destroy(&w.m);
}
END_TEST

START_TEST(untied_decoder) {
    weights w;
    weights_make(&w, 0, 1);
    float other[13 * 8];
    memcpy(other, w.m->p.word_emb, sizeof other);
    other[5] += 0.5f;
    add(&w, "cls.predictions.decoder.weight", 13, 8, other);
    refused(&w, "cls.predictions.decoder.weight differs");
}
END_TEST

START_TEST(unknown_array) {
    weights w;
    weights_make(&w, 2, 0);
    float zeros[4] = {0};
    add(&w, "bert.encoder.layer.2.output.dense.weight", 2, 2, zeros);
    refused(&w, "bert.encoder.layer.2.output.dense.weight");
}
END_TEST

START_TEST(missing_array) {
    weights w;
    weights_make(&w, 2, 0);
    *named(&w, "bert.encoder.layer.1.attention.self.key.bias") = w.st[w.n - 1];
    w.n--;
    refused(&w, "bert.encoder.layer.1.attention.self.key.bias is missing");
}
END_TEST

START_TEST(wrong_shape) {
    weights w;
    weights_make(&w, 2, 0);
    st_array *a = named(&w, "bert.encoder.layer.0.intermediate.dense.weight");
    a->shape[0] = 8;
    a->shape[1] = 12;
    refused(&w, "shape (8, 12); config.json asks for (12, 8)");
}
END_TEST

START_TEST(not_finite) {
    weights w;
    weights_make(&w, 2, 0);
    w.m->p.att_w[7] = _i ? INFINITY : NAN;
    refused(&w, "bert.encoder.layer.0.attention.output.dense.weight");
}
END_TEST

/* --- config.json --- */

static void config_refused(const char *key, json_t *value, const char *says) {
    encoder *m = make(2, 0), *got = NULL;
    json_t *o;
    ck_ok(encoder_save(m, scratch, NULL));
    ck_ok(json_read(in_scratch("config.json"), &o));
    if (value)
        json_object_set_new(o, key, value);
    else
        json_object_del(o, key);
    ck_ok(json_write(in_scratch("config.json"), o));
    json_decref(o);
    ck_assert_int_eq(encoder_load(scratch, as_is, &got), ERR_DATA);
    ck_assert_msg(strstr(err_message(), says) && strstr(err_message(), "config.json"),
                  "\"%s\" lacks \"%s\"", err_message(), says);
    encoder_destroy(&m);
}

START_TEST(bad_config) {
    config_refused("model_type", json_string("albert"),
                   "\"model_type\" is \"albert\"; supported are bert, distilbert, roberta");
    config_refused("model_type", NULL, "model_type");
    config_refused("hidden_act", json_string("gelu_new"), "\"gelu_new\"");
    config_refused("position_embedding_type", json_string("relative_key"), "relative_key");
    config_refused("is_decoder", json_true(), "is_decoder");
    config_refused("hidden_size", NULL, "hidden_size");
    config_refused("hidden_size", json_string("8"), "hidden_size");
    config_refused("num_attention_heads", json_integer(3), "multiple of num_attention_heads 3");
    config_refused("num_hidden_layers", json_integer(0), "num_hidden_layers");
    config_refused("num_labels", json_integer(3), "num_labels is 3 but id2label has 2");
    config_refused("id2label", json_pack("{s:s, s:s}", "0", "a", "2", "b"), "\"1\"");
    config_refused("layer_norm_eps", json_real(-1.0), "layer_norm_eps");
}
END_TEST

START_TEST(nothing_there) {
    encoder *got = NULL;
    ck_assert_int_eq(encoder_load("no-such-folder", as_is, &got), ERR_IO);
    ck_assert_ptr_null(got);
}
END_TEST

int main(void) {
    Suite *s = suite_create("encoder files");
    TCase *c = tcase_create("checkpoints");
    tcase_add_loop_test(c, round_trip, 0, 4 * ENCODER_KINDS);
    tcase_add_test(c, byte_pair_vocabulary);
    tcase_add_test(c, wanted_heads);
    tcase_add_test(c, without_prefix);
    tcase_add_test(c, without_pooler);
    tcase_add_test(c, harmless_arrays);
    tcase_add_test(c, untied_decoder);
    tcase_add_test(c, unknown_array);
    tcase_add_test(c, missing_array);
    tcase_add_test(c, wrong_shape);
    tcase_add_loop_test(c, not_finite, 0, 2);
    tcase_add_test(c, bad_config);
    tcase_add_test(c, nothing_there);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
