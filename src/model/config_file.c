#include "model/config_file.h"

#include "base/arena.h"
#include "io/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* field must be absent or this text */
static err must_say(const json_t *o, const char *path, const char *key, const char *want,
                    int required) {
    const json_t *j = json_object_get(o, key);
    if (!j && !required)
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

static err read_shape(const json_t *o, const char *path, encoder_config *c) {
    /* the largest published encoders stay far below; products of two fit into 64 bits */
    CALL(read_int(o, path, "vocab_size", 1 << 24, &c->V));
    CALL(read_int(o, path, "hidden_size", 1 << 16, &c->H));
    CALL(read_int(o, path, "num_hidden_layers", 1 << 10, &c->L));
    CALL(read_int(o, path, "num_attention_heads", 1 << 10, &c->A));
    CALL(read_int(o, path, "intermediate_size", 1 << 18, &c->F));
    CALL(read_int(o, path, "max_position_embeddings", 1 << 20, &c->P));
    CALL(read_int(o, path, "type_vocab_size", 1 << 10, &c->Y));
    CHECK(c->H % c->A == 0, ERR_DATA,
          "%s: hidden_size %d is not a multiple of num_attention_heads %d", path, c->H, c->A);
    double eps;
    CALL(json_get_real(o, path, "layer_norm_eps", &eps));
    CHECK(eps > 0.0 && eps < 1.0, ERR_DATA, "%s: layer_norm_eps is %g; between 0 and 1 expected",
          path, eps);
    c->norm_eps = (float)eps;
    return OK;
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

static err read_checked(const json_t *o, const char *path, encoder_config *c) {
    CHECK(json_is_object(o), ERR_DATA, "%s: not an object", path);
    CALL(must_say(o, path, "model_type", "bert", 1));
    CALL(must_say(o, path, "hidden_act", "gelu", 1));
    CALL(must_say(o, path, "position_embedding_type", "absolute", 0));
    CALL(must_not(o, path, "is_decoder"));
    CALL(must_not(o, path, "add_cross_attention"));
    CALL(read_shape(o, path, c));
    return read_labels(o, path, c);
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

err config_write(const char *path, const encoder_config *c) {
    const char *class = c->K > 0 ? "BertForSequenceClassification"
                        : c->mlm ? "BertForMaskedLM"
                                 : "BertModel";
    json_t *o = json_pack(
        "{s:[s], s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:i, s:s}",
        "architectures", class, "model_type", "bert", "hidden_act", "gelu",
        "position_embedding_type", "absolute", "vocab_size", c->V, "hidden_size", c->H,
        "num_hidden_layers", c->L, "num_attention_heads", c->A, "intermediate_size", c->F,
        "max_position_embeddings", c->P, "type_vocab_size", c->Y, "layer_norm_eps",
        shortest(c->norm_eps), "initializer_range", 0.02, "hidden_dropout_prob", 0.1,
        "attention_probs_dropout_prob", 0.1, "pad_token_id", 0, "torch_dtype", "float32");
    CHECK(o, ERR_FAILED, "%s: out of memory", path);
    if (c->K > 0) {
        json_object_set_new(o, "num_labels", json_integer(c->K));
        json_object_set_new(o, "id2label", labels_by_id(c));
        json_object_set_new(o, "label2id", ids_by_label(c));
    }
    err e = json_write(path, o);
    json_decref(o);
    return e;
}
