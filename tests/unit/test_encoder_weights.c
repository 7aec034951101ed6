/* Weights as users have them: other families, other precisions, several files, old names; and what
 * is refused of them. */
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "model/encoder.h"
#include "unit/scratch.h"

#include <math.h>

enum { ARRAYS = 64 };

static const encoder_want as_is = {-1, -1, 0};

/* a checkpoint in memory, for a test to spoil */
typedef struct checkpoint {
    encoder *m;
    encoder_array a[ARRAYS];
    st_array st[ARRAYS];
    char name[ARRAYS][ENCODER_NAME_BYTES];
    int n;
} checkpoint;

static checkpoint make(encoder_kind family, int K, int mlm) {
    encoder_config c = {.V = 13, .H = 8, .L = 2, .A = 2, .F = 12, .P = 10, .Y = 2, .K = K};
    c.family = family;
    c.mlm = mlm;
    c.norm_eps = encoder_family_of((int)family)->norm_eps > 0.0f ? 1e-12f : 1e-5f;
    c.Y = encoder_family_of((int)family)->types ? 2 : 0;
    c.first_position = family == ENCODER_ROBERTA ? 2 : 0;
    for (int k = 0; k < K; k++)
        snprintf(c.label[k], sizeof c.label[k], "class %d", k);
    checkpoint x = {0};
    ck_ok(encoder_create(&c, &x.m));
    encoder_init(x.m, 4);
    for (size_t i = 0; i < x.m->n; i++) /* few bits: exact in every precision */
        x.m->block[i] = (float)((int)(i * 37 % 255) - 127) * 0x1p-9f;
    ck_ok(encoder_save(x.m, "model", NULL));
    unlink("model/model.safetensors.index.json");
    x.n = encoder_arrays(&c, x.a, ARRAYS);
    for (int i = 0; i < x.n; i++) {
        const encoder_array *a = &x.a[i];
        x.st[i] = (st_array){.dtype = ST_F32,
                             .rank = a->decay ? 2 : 1,
                             .shape = {a->decay ? a->rows : a->cols, a->decay ? a->cols : 0},
                             .count = (int64_t)a->rows * a->cols,
                             .data = x.m->block + a->offset};
    }
    return x;
}

static void set_name(char to[ENCODER_NAME_BYTES], const char *name) {
    memcpy(to, name, strlen(name) + 1);
}

/* names are set here: a checkpoint may have been copied since it was made */
static void write_part(checkpoint *x, const char *path, int from, int to) {
    for (int i = 0; i < x->n; i++) {
        if (!x->name[i][0])
            set_name(x->name[i], x->a[i].name);
        x->st[i].name = x->name[i];
    }
    ck_ok(safetensors_write(path, x->st + from, to - from));
}

static void write_all(checkpoint *x) {
    write_part(x, "model/model.safetensors", 0, x->n);
}

static void expect_same(checkpoint *x) {
    encoder *got;
    ck_ok(encoder_load("model", as_is, &got));
    ck_assert_uint_eq(got->n, x->m->n);
    ck_assert_mem_eq(got->block, x->m->block, got->n * sizeof(float));
    encoder_destroy(&got);
    encoder_destroy(&x->m);
}

static void expect_refused(checkpoint *x, err code, const char *says) {
    encoder *got = NULL;
    ck_refused(encoder_load("model", as_is, &got), code, says);
    ck_assert_ptr_null(got);
    if (x)
        encoder_destroy(&x->m);
}

static int named(const checkpoint *x, const char *name) {
    for (int i = 0; i < x->n; i++)
        if (strcmp(x->a[i].name, name) == 0)
            return i;
    ck_abort_msg("no array %s", name);
    return 0;
}

/* --- families --------------------------------------------------------------------------------- */

/* the names of the published checkpoints, not only names that we read back ourselves */
START_TEST(published_names) {
    static const char *const distilbert[] = {
        "distilbert.embeddings.word_embeddings.weight",
        "distilbert.embeddings.position_embeddings.weight",
        "distilbert.embeddings.LayerNorm.weight",
        "distilbert.transformer.layer.1.attention.q_lin.weight",
        "distilbert.transformer.layer.1.attention.k_lin.bias",
        "distilbert.transformer.layer.0.attention.v_lin.weight",
        "distilbert.transformer.layer.0.attention.out_lin.bias",
        "distilbert.transformer.layer.1.sa_layer_norm.weight",
        "distilbert.transformer.layer.1.ffn.lin1.weight",
        "distilbert.transformer.layer.1.ffn.lin2.bias",
        "distilbert.transformer.layer.1.output_layer_norm.bias",
        "pre_classifier.weight",
        "classifier.bias",
        "vocab_transform.weight",
        "vocab_layer_norm.bias",
        "vocab_projector.bias",
        NULL};
    static const char *const roberta[] = {"roberta.embeddings.token_type_embeddings.weight",
                                          "roberta.embeddings.position_embeddings.weight",
                                          "roberta.embeddings.LayerNorm.bias",
                                          "roberta.encoder.layer.1.attention.self.query.weight",
                                          "roberta.encoder.layer.0.attention.output.LayerNorm.bias",
                                          "roberta.encoder.layer.1.intermediate.dense.weight",
                                          "roberta.encoder.layer.1.output.LayerNorm.weight",
                                          "classifier.dense.weight",
                                          "classifier.out_proj.bias",
                                          "lm_head.dense.weight",
                                          "lm_head.layer_norm.weight",
                                          "lm_head.bias",
                                          NULL};
    checkpoint x = make(ENCODER_DISTILBERT, 3, 1);
    ck_assert_int_eq(x.n, 4 + 16 * 2 + 2 + 2 + 5);
    for (int i = 0; distilbert[i]; i++)
        named(&x, distilbert[i]);
    encoder_destroy(&x.m);
    x = make(ENCODER_ROBERTA, 3, 1);
    ck_assert_int_eq(x.n, 5 + 16 * 2 + 2 + 2 + 5);
    for (int i = 0; roberta[i]; i++)
        named(&x, roberta[i]);
    ck_assert_int_eq(x.a[named(&x, roberta[1])].rows, 12);
    encoder_destroy(&x.m);
}
END_TEST

/* without the prefix; with the decoder's copies and what other heads leave behind */
START_TEST(as_published) {
    encoder_kind kind = (encoder_kind)_i;
    const encoder_family *f = encoder_family_of(_i);
    checkpoint x = make(kind, 3, 1);
    size_t skip = strlen(f->prefix);
    for (int i = 0; i < x.n; i++)
        set_name(x.name[i], x.a[i].name + (strncmp(x.a[i].name, f->prefix, skip) == 0 ? skip : 0));
    int n = x.n;
    x.st[x.n] = (st_array){.dtype = ST_F32, .rank = 2, .shape = {13, 8}, .count = 104};
    x.st[x.n].data = x.m->p.word_emb;
    snprintf(x.name[x.n++], ENCODER_NAME_BYTES, "%s", f->decoder_w);
    x.st[x.n] = (st_array){.dtype = ST_F32, .rank = 1, .shape = {2}, .count = 2};
    x.st[x.n].data = x.m->p.word_emb;
    snprintf(x.name[x.n++], ENCODER_NAME_BYTES, "%s%s", f->passed[0] + (_i ? skip : 0),
             _i == ENCODER_DISTILBERT ? "" : "weight");
    write_all(&x);
    encoder *got;
    ck_ok(encoder_load("model", as_is, &got));
    ck_assert_mem_eq(got->block, x.m->block, got->n * sizeof(float));
    encoder_destroy(&got);
    float other[104];
    memcpy(other, x.m->p.word_emb, sizeof other);
    other[50] += 1.0f;
    x.st[n].data = other;
    write_all(&x);
    expect_refused(&x, ERR_DATA, "only a tied decoder");
}
END_TEST

/* only pre-trained: a classifier of any family is made anew, the same every time */
START_TEST(new_classifier) {
    checkpoint x = make((encoder_kind)_i, 0, 1);
    const encoder_want two = {.classes = 2, .mlm = 0, .seed = 7};
    encoder *a, *b;
    ck_ok(encoder_load("model", two, &a));
    ck_ok(encoder_load("model", two, &b));
    ck_assert_mem_eq(a->block, b->block, a->n * sizeof(float));
    ck_assert(a->c.K == 2 && a->c.mlm == 0 && a->p.class_b[1] == 0.0f);
    ck_assert_float_ne(a->p.class_w[0], 0.0f);
    ck_assert_float_ne(a->p.pool_w[0], 0.0f);
    ck_assert_mem_eq(a->p.out_w, x.m->p.out_w, 96 * sizeof(float));
    encoder_destroy(&b);
    encoder_destroy(&x.m);
    ck_ok(encoder_save(a, "model", NULL));
    ck_ok(encoder_load("model", (encoder_want){.classes = 0, .mlm = 0}, &b)); /* and dropped */
    ck_assert(b->c.K == 0 && b->n < a->n);
    encoder_destroy(&b);
    ck_ok(encoder_load("model", (encoder_want){.classes = 2, .mlm = 0, .seed = 1}, &b)); /* kept */
    ck_assert_mem_eq(a->block, b->block, a->n * sizeof(float));
    encoder_destroy(&a);
    encoder_destroy(&b);
}
END_TEST

/* half of a classifier is a broken file, not a new one */
START_TEST(half_a_classifier) {
    checkpoint x = make(ENCODER_DISTILBERT, 3, 0);
    x.n -= 2; /* classifier.weight and .bias are the last */
    snprintf(x.name[x.n - 1], ENCODER_NAME_BYTES, "classifier.weight");
    write_all(&x);
    expect_refused(&x, ERR_DATA, "array pre_classifier.bias is missing");
    x = make(ENCODER_DISTILBERT, 3, 0);
    x.n -= 2;
    write_all(&x);
    expect_refused(&x, ERR_DATA, "array pre_classifier.weight is not part of a DistilBERT");
}
END_TEST

/* --- old names, other precisions -------------------------------------------------------------- */

START_TEST(gamma_and_beta) {
    checkpoint x = make(ENCODER_BERT, 2, 1);
    for (int i = 0; i < x.n; i++) {
        char *tail = strstr(strcpy(x.name[i], x.a[i].name), "LayerNorm.");
        if (tail)
            strcpy(tail + 10, strcmp(tail + 10, "bias") == 0 ? "beta" : "gamma");
    }
    write_all(&x);
    expect_same(&x);
}
END_TEST

static uint16_t half(float x) {
    if (x == 0.0f)
        return 0;
    int e;
    float f = frexpf(fabsf(x), &e); /* 0.5 to 1, all in binary16's normal range here */
    return (uint16_t)((x < 0.0f) << 15 | (e + 14) << 10 | ((int)(f * 2048.0f) & 1023));
}

START_TEST(other_precisions) {
    static uint16_t narrow[1 << 14];
    static double wide[1 << 14];
    static const st_dtype dtype[] = {ST_F16, ST_BF16, ST_F64};
    checkpoint x = make(ENCODER_ROBERTA, 3, 1);
    ck_assert_uint_lt(x.m->n, 1 << 14);
    for (size_t i = 0; i < x.m->n; i++) {
        uint32_t bits;
        memcpy(&bits, &x.m->block[i], sizeof bits);
        narrow[i] = _i ? (uint16_t)(bits >> 16) : half(x.m->block[i]);
        wide[i] = (double)x.m->block[i];
    }
    for (int i = 0; i < x.n; i++) {
        x.st[i].dtype = dtype[_i];
        x.st[i].data =
            _i < 2 ? (const void *)(narrow + x.a[i].offset) : (const void *)(wide + x.a[i].offset);
    }
    write_all(&x);
    expect_same(&x);
    x = make(ENCODER_ROBERTA, 3, 1);
    int at = named(&x, "roberta.encoder.layer.1.output.dense.weight");
    x.st[at].dtype = dtype[_i];
    x.st[at].data = _i < 2 ? (const void *)narrow : (const void *)wide;
    narrow[9] = _i ? 0x7f80 : 0x7c00; /* infinity */
    wide[9] = 1e39;                   /* no float32 */
    write_all(&x);
    expect_refused(&x, ERR_DATA, "layer.1.output.dense.weight\": element 9 is not finite");
}
END_TEST

START_TEST(whole_numbers) {
    checkpoint x = make(ENCODER_BERT, 0, 0);
    x.st[named(&x, "bert.pooler.dense.bias")].dtype = ST_I32;
    write_all(&x);
    expect_refused(&x, ERR_DATA, "has dtype I32, expected a floating type");
}
END_TEST

/* --- several files ---------------------------------------------------------------------------- */

static const char *const PART[] = {"model-00001-of-00002.safetensors",
                                   "model-00002-of-00002.safetensors"};

/* the first `cut` arrays in one file, the others in another, and an index of them */
static json_t *split(checkpoint *x, int cut) {
    write_part(x, "model/model-00001-of-00002.safetensors", 0, cut);
    write_part(x, "model/model-00002-of-00002.safetensors", cut, x->n);
    unlink("model/model.safetensors");
    json_t *map = json_object();
    for (int i = 0; i < x->n; i++)
        json_object_set_new(map, x->name[i], json_string(PART[i >= cut]));
    return map;
}

static void put_index(json_t *map) {
    json_t *o = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 1, "weight_map", map);
    ck_ok(json_write("model/model.safetensors.index.json", o));
    json_decref(o);
}

START_TEST(shards) {
    checkpoint x = make((encoder_kind)_i, 2, 1);
    put_index(split(&x, 11));
    expect_same(&x);
}
END_TEST

START_TEST(bad_shards) {
    checkpoint x = make(ENCODER_BERT, 2, 0);
    json_t *map = split(&x, 5);
    json_object_set_new(map, "bert.pooler.dense.bias", json_string(PART[0]));
    put_index(map);
    expect_refused(&x, ERR_DATA, "weight_map says model-00001-of-00002");
    x = make(ENCODER_BERT, 2, 0);
    map = split(&x, 5);
    json_object_del(map, "bert.pooler.dense.bias");
    put_index(map);
    expect_refused(&x, ERR_DATA, "weight_map says nothing of it");
    x = make(ENCODER_BERT, 2, 0);
    map = split(&x, 5);
    json_object_set_new(map, "more", json_string(PART[0]));
    put_index(map);
    expect_refused(&x, ERR_DATA, "array more is not in model-00001-of-00002.safetensors");
    x = make(ENCODER_BERT, 2, 0);
    map = split(&x, 5);
    json_object_set_new(map, "more", json_string("../model.safetensors"));
    put_index(map);
    expect_refused(&x, ERR_DATA, "weight_map has a value that is not a file's name");
    x = make(ENCODER_BERT, 2, 0);
    put_index(split(&x, 5));
    unlink("model/model-00002-of-00002.safetensors");
    expect_refused(&x, ERR_DATA, "names model-00002-of-00002.safetensors, which is not there");
    put_text("model/model.safetensors.index.json", "{\"weight_map\": []}");
    expect_refused(NULL, ERR_DATA, "\"weight_map\" is missing or not an object");
}
END_TEST

START_TEST(other_formats) {
    checkpoint x = make(ENCODER_BERT, 2, 0);
    unlink("model/model.safetensors");
    expect_refused(&x, ERR_IO, "neither model.safetensors nor model.safetensors.index.json");
    put_text("model/pytorch_model.bin", "PK");
    expect_refused(NULL, ERR_DATA, "model/pytorch_model.bin: only safetensors are read; convert");
    unlink("model/pytorch_model.bin");
}
END_TEST

/* --- config.json of the families -------------------------------------------------------------- */

static void config_refused_by(encoder_kind family, const char *key, json_t *value,
                              const char *says) {
    checkpoint x = make(family, 2, 0);
    json_t *o;
    ck_ok(json_read("model/config.json", &o));
    if (value)
        json_object_set_new(o, key, value);
    else
        json_object_del(o, key);
    ck_ok(json_write("model/config.json", o));
    json_decref(o);
    expect_refused(&x, ERR_DATA, says);
}

static void config_refused(encoder_kind family, const char *key, json_t *value, const char *says) {
    config_refused_by(family, key, value, says);
    ck_assert_ptr_nonnull(strstr(err_message(), "model/config.json: "));
}

START_TEST(bad_config) {
    config_refused(ENCODER_DISTILBERT, "dim", NULL, "\"dim\" is missing");
    config_refused(ENCODER_DISTILBERT, "n_heads", json_integer(3),
                   "dim 8 is not a multiple of n_heads 3");
    config_refused(ENCODER_DISTILBERT, "activation", json_string("relu"),
                   "\"activation\" is \"relu\"");
    config_refused(ENCODER_DISTILBERT, "model_type", json_string("bert"), "hidden_act");
    config_refused(ENCODER_ROBERTA, "layer_norm_eps", NULL, "layer_norm_eps");
    config_refused(ENCODER_ROBERTA, "type_vocab_size", NULL, "type_vocab_size");
    config_refused(ENCODER_ROBERTA, "max_position_embeddings", json_integer(2),
                   "max_position_embeddings is 2, but positions begin at pad_token_id + 1 = 2");
    config_refused(ENCODER_ROBERTA, "pad_token_id", json_integer(13), "\"pad_token_id\" is 13");
    config_refused(ENCODER_ROBERTA, "pad_token_id", json_string("1"), "pad_token_id");
    config_refused(ENCODER_ROBERTA, "label2id", json_pack("{s:i, s:i}", "class 0", 1, "class 1", 0),
                   "label2id says 1 for \"class 0\", id2label says 0");
    config_refused(ENCODER_ROBERTA, "label2id", json_pack("{s:i}", "class 0", 0),
                   "label2id has no number for \"class 1\"");
    config_refused(ENCODER_BERT, "problem_type", json_string("regression"), "\"regression\"");
    config_refused(ENCODER_BERT, "model_type", json_string("xlm-roberta"),
                   "\"xlm-roberta\"; supported are bert, distilbert, roberta");
}
END_TEST

/* sizes for which there is no memory are told from the arrays, not from the memory */
START_TEST(huge_config) {
    config_refused_by(ENCODER_BERT, "vocab_size", json_integer(1 << 24), "asks for (16777216, 8)");
    config_refused_by(ENCODER_ROBERTA, "hidden_size", json_integer(1 << 16),
                      "asks for (13, 65536)");
    config_refused_by(ENCODER_DISTILBERT, "n_layers", json_integer(1000), "layer.2.");
    config_refused_by(ENCODER_DISTILBERT, "hidden_dim", json_integer(1 << 18),
                      "asks for (262144, 8)");
}
END_TEST

/* fields that say nothing wrong */
START_TEST(good_config) {
    checkpoint x = make(ENCODER_ROBERTA, 2, 0);
    json_t *o;
    ck_ok(json_read("model/config.json", &o));
    json_object_del(o, "pad_token_id"); /* the format's default is 1 */
    json_object_set_new(o, "problem_type", json_null());
    json_object_set_new(o, "transformers_version", json_string("4"));
    ck_ok(json_write("model/config.json", o));
    json_decref(o);
    expect_same(&x);
}
END_TEST

int main(void) {
    Suite *s = suite_create("encoder weights");
    TCase *c = tcase_create("checkpoints");
    tcase_add_test(c, published_names);
    tcase_add_loop_test(c, as_published, 0, ENCODER_KINDS);
    tcase_add_loop_test(c, new_classifier, 0, ENCODER_KINDS);
    tcase_add_test(c, half_a_classifier);
    tcase_add_test(c, gamma_and_beta);
    tcase_add_loop_test(c, other_precisions, 0, 3);
    tcase_add_test(c, whole_numbers);
    tcase_add_loop_test(c, shards, 0, ENCODER_KINDS);
    tcase_add_test(c, bad_shards);
    tcase_add_test(c, other_formats);
    tcase_add_test(c, bad_config);
    tcase_add_test(c, huge_config);
    tcase_add_test(c, good_config);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
