#include "model/config_file.h"

#include "base/arena.h"
#include "io/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* field must be this text, or absent (or null) unless it is required */
static err must_say(const json_t *o, const char *path, const char *key, const char *want,
                    int required) {
    const json_t *j = json_object_get(o, key);
    if ((!j || json_is_null(j)) && !required)
        return OK;
    const char *text = json_string_value(j);
    CHECK(text, ERR_DATA, "%s: field \"%s\" is missing or not a text; expected \"%s\"", path, key,
          want);
    CHECK(strcmp(text, want) == 0, ERR_DATA, "%s: field \"%s\" is \"%s\"; only \"%s\" is supported",
          path, key, text, want);
    return OK;
}

/* field must be absent or false */
static err must_not(const json_t *o, const char *path, const char *key) {
    CHECK(!json_is_true(json_object_get(o, key)), ERR_DATA,
          "%s: field \"%s\" is true; this is not supported", path, key);
    return OK;
}

static err read_int(const json_t *o, const char *path, const char *key, int hi, int *out) {
    int64_t v;
    CALL(json_get_int(o, path, key, 1, hi, &v));
    *out = (int)v;
    return OK;
}

/* model_type decides how everything else is called */
static err read_family(const json_t *o, const char *path, encoder_config *c) {
    const char *type;
    char known[128] = "";
    CALL(json_get_text(o, path, "model_type", &type));
    for (int k = 0; k < ENCODER_KINDS; k++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", k ? ", " : "", encoder_family_of(k)->type);
    }
    int kind = encoder_family_find(type);
    CHECK(kind >= 0, ERR_DATA, "%s: field \"model_type\" is \"%s\"; supported are %s", path, type,
          known);
    c->family = (encoder_kind)kind;
    return OK;
}

/* positions that a sequence may have, and where the first of them is */
static err read_positions(const json_t *o, const char *path, encoder_config *c) {
    int64_t pad = 1; /* the format's own default */
    CALL(read_int(o, path, "max_position_embeddings", 1 << 20, &c->P));
    if (!encoder_family_in(c)->positions_after_pad)
        return OK;
    if (json_object_get(o, "pad_token_id"))
        CALL(json_get_int(o, path, "pad_token_id", 0, c->V - 1, &pad));
    CHECK(c->P > pad + 1, ERR_DATA,
          "%s: max_position_embeddings is %d, but positions begin at pad_token_id + 1 = %lld", path,
          c->P, (long long)pad + 1);
    c->first_position = (int)pad + 1;
    c->P -= c->first_position;
    return OK;
}

static err read_eps(const json_t *o, const char *path, encoder_config *c) {
    double eps = (double)encoder_family_in(c)->norm_eps;
    if (eps == 0.0)
        CALL(json_get_real(o, path, "layer_norm_eps", &eps));
    CHECK(eps > 0.0 && eps < 1.0, ERR_DATA, "%s: layer_norm_eps is %g; between 0 and 1 expected",
          path, eps);
    c->norm_eps = (float)eps;
    return OK;
}

static err read_shape(const json_t *o, const char *path, encoder_config *c) {
    const encoder_family *f = encoder_family_in(c);
    /* the largest published encoders stay far below; products of two fit into 64 bits */
    CALL(read_int(o, path, "vocab_size", 1 << 24, &c->V));
    CALL(read_int(o, path, f->hidden, 1 << 16, &c->H));
    CALL(read_int(o, path, f->layers, 1 << 10, &c->L));
    CALL(read_int(o, path, f->heads, 1 << 10, &c->A));
    CALL(read_int(o, path, f->feed_forward, 1 << 18, &c->F));
    CALL(read_positions(o, path, c));
    if (f->types)
        CALL(read_int(o, path, "type_vocab_size", 1 << 10, &c->Y));
    CHECK(c->H % c->A == 0, ERR_DATA, "%s: %s %d is not a multiple of %s %d", path, f->hidden, c->H,
          f->heads, c->A);
    return read_eps(o, path, c);
}

static err read_label(const char *path, const json_t *names, int k, char out[ENCODER_LABEL_BYTES]) {
    char key[16];
    snprintf(key, sizeof key, "%d", k);
    const char *text = json_string_value(json_object_get(names, key));
    CHECK(text, ERR_DATA, "%s: id2label has no text for \"%s\"", path, key);
    CHECK(strlen(text) < ENCODER_LABEL_BYTES, ERR_DATA,
          "%s: id2label \"%s\" is longer than %d bytes", path, key, ENCODER_LABEL_BYTES - 1);
    snprintf(out, ENCODER_LABEL_BYTES, "%s", text);
    return OK;
}

static err read_labels(const json_t *o, const char *path, encoder_config *c) {
    const json_t *names = json_object_get(o, "id2label");
    CHECK(!names || json_is_object(names), ERR_DATA, "%s: id2label is not an object", path);
    c->K = names ? (int)json_object_size(names) : 2;
    if (json_object_get(o, "num_labels")) {
        int K;
        CALL(read_int(o, path, "num_labels", ENCODER_MAX_CLASSES, &K));
        CHECK(!names || K == c->K, ERR_DATA, "%s: num_labels is %d but id2label has %d entries",
              path, K, c->K);
        c->K = K;
    }
    CHECK(c->K >= 1 && c->K <= ENCODER_MAX_CLASSES, ERR_DATA,
          "%s: %d labels; between 1 and %d are supported", path, c->K, (int)ENCODER_MAX_CLASSES);
    for (int k = 0; k < c->K; k++)
        if (names)
            CALL(read_label(path, names, k, c->label[k]));
        else
            snprintf(c->label[k], sizeof c->label[k], "LABEL_%d", k);
    return OK;
}

/* label2id, where it is there, is id2label the other way round */
static err check_label_ids(const json_t *o, const char *path, const encoder_config *c) {
    const json_t *ids = json_object_get(o, "label2id");
    if (!json_is_object(ids) || !json_object_get(o, "id2label"))
        return OK;
    for (int k = 0; k < c->K; k++) {
        const json_t *id = json_object_get(ids, c->label[k]);
        CHECK(json_is_integer(id), ERR_DATA, "%s: label2id has no number for \"%s\"", path,
              c->label[k]);
        json_int_t j = json_integer_value(id); /* another class may have the same name */
        CHECK(j >= 0 && j < c->K && strcmp(c->label[j], c->label[k]) == 0, ERR_DATA,
              "%s: label2id says %lld for \"%s\", id2label says %d", path, (long long)j,
              c->label[k], k);
    }
    return OK;
}

static err read_checked(const json_t *o, const char *path, encoder_config *c) {
    CHECK(json_is_object(o), ERR_DATA, "%s: not an object", path);
    CALL(read_family(o, path, c));
    CALL(must_say(o, path, encoder_family_in(c)->activation, "gelu", 1));
    CALL(must_say(o, path, "problem_type", "single_label_classification", 0));
    CALL(must_say(o, path, "position_embedding_type", "absolute", 0));
    CALL(must_not(o, path, "is_decoder"));
    CALL(must_not(o, path, "add_cross_attention"));
    CALL(read_shape(o, path, c));
    CALL(read_labels(o, path, c));
    return check_label_ids(o, path, c);
}

err config_read(const char *path, encoder_config *c) {
    json_t *o = NULL;
    memset(c, 0, sizeof *c);
    CALL(json_read(path, &o));
    err e = read_checked(o, path, c);
    json_decref(o);
    return e;
}

/* the shortest decimal that reads back as x: 1e-12 stays 1e-12 */
static double shortest(float x) {
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    return strtod(text, NULL);
}

static json_t *labels_by_id(const encoder_config *c) {
    json_t *o = json_object();
    for (int k = 0; k < c->K; k++) {
        char key[16];
        snprintf(key, sizeof key, "%d", k);
        json_object_set_new(o, key, json_string(c->label[k]));
    }
    return o;
}

static json_t *ids_by_label(const encoder_config *c) {
    json_t *o = json_object();
    for (int k = 0; k < c->K; k++)
        json_object_set_new(o, c->label[k], json_integer(k));
    return o;
}

static json_t *shape_object(const encoder_config *c) {
    const encoder_family *f = encoder_family_in(c);
    const char *class = c->K > 0 ? f->class_classifier : c->mlm ? f->class_masked : f->class_plain;
    int pad = f->positions_after_pad ? c->first_position - 1 : 0;
    return json_pack("{s:[s], s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:s}",
                     "architectures", class, "model_type", f->type, f->activation, "gelu",
                     "vocab_size", c->V, f->hidden, c->H, f->layers, c->L, f->heads, c->A,
                     f->feed_forward, c->F, "max_position_embeddings", c->first_position + c->P,
                     "initializer_range", 0.02, f->dropout, 0.1, f->attention_dropout, 0.1,
                     "pad_token_id", pad, "torch_dtype", "float32");
}

err config_write(const char *path, const encoder_config *c) {
    const encoder_family *f = encoder_family_in(c);
    json_t *o = shape_object(c);
    CHECK(o, ERR_FAILED, "%s: out of memory", path);
    if (f->types) {
        json_object_set_new(o, "type_vocab_size", json_integer(c->Y));
        json_object_set_new(o, "position_embedding_type", json_string("absolute"));
    }
    if (f->norm_eps == 0.0f)
        json_object_set_new(o, "layer_norm_eps", json_real(shortest(c->norm_eps)));
    if (c->K > 0) {
        json_object_set_new(o, "num_labels", json_integer(c->K));
        json_object_set_new(o, "id2label", labels_by_id(c));
        json_object_set_new(o, "label2id", ids_by_label(c));
    }
    err e = json_write(path, o);
    json_decref(o);
    return e;
}
