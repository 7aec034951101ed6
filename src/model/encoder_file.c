#include "model/encoder.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "model/config_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct reader {
    char path[4096];
    safetensors *s;
    unsigned char *used; /* (arrays of the file) */
    encoder_want want;
    int new_pooler, new_classifier; /* initialised, not read */
    encoder_array *arrays;
    int n;
} reader;

static const char *const PREFIX = "bert.";

/* an array by its name, with or without the prefix; marks it as used */
static const st_array *find(reader *r, const char *name) {
    size_t skip = strncmp(name, PREFIX, strlen(PREFIX)) == 0 ? strlen(PREFIX) : 0;
    for (int i = 0; i < safetensors_count(r->s); i++) {
        const st_array *a = safetensors_at(r->s, i);
        if (strcmp(a->name, name) == 0 || strcmp(a->name, name + skip) == 0) {
            r->used[i] = 1;
            return a;
        }
    }
    return NULL;
}

static err check_shape(const reader *r, const st_array *a, int rows, int cols, int vector) {
    int fits = vector ? a->rank == 1 && a->shape[0] == cols
                      : a->rank == 2 && a->shape[0] == rows && a->shape[1] == cols;
    if (fits)
        return OK;
    char have[128] = "";
    for (int i = 0; i < a->rank; i++) {
        size_t n = strlen(have);
        snprintf(have + n, sizeof have - n, "%s%lld", i ? ", " : "", (long long)a->shape[i]);
    }
    if (vector)
        RAISE(ERR_DATA, "%s: array %s has shape (%s); config.json asks for (%d)", r->path, a->name,
              have, cols);
    RAISE(ERR_DATA, "%s: array %s has shape (%s); config.json asks for (%d, %d)", r->path, a->name,
          have, rows, cols);
}

/* biases and LayerNorm arrays have one dimension in the file */
static int is_vector(const encoder_array *a) {
    return strcmp(strrchr(a->name, '.'), ".bias") == 0 || strstr(a->name, "LayerNorm") != NULL;
}

static int starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static err read_array(reader *r, encoder *m, const encoder_array *a) {
    if ((r->new_pooler && starts(a->name, "bert.pooler.")) ||
        (r->new_classifier && starts(a->name, "classifier."))) {
        encoder_init_array(m, a, r->want.seed);
        return OK;
    }
    const st_array *from = find(r, a->name);
    CHECK(from, ERR_DATA, "%s: array %s is missing", r->path, a->name);
    CALL(check_shape(r, from, a->rows, a->cols, is_vector(a)));
    return st_copy_f32(r->s, from, m->block + a->offset, (int64_t)a->rows * a->cols);
}

/* the decoder of the masked-language head must be the tied copy that it is by definition */
static err check_tied(reader *r, const encoder *m) {
    static const char *const name[] = {"cls.predictions.decoder.weight",
                                       "cls.predictions.decoder.bias"};
    for (int i = 0; i < 2; i++) {
        const st_array *a = safetensors_find(r->s, name[i]);
        if (!a)
            continue;
        find(r, name[i]);
        const float *tied = i == 0 ? m->p.word_emb : m->p.mlm_bias;
        if (!tied)
            continue;
        int64_t count = i == 0 ? (int64_t)m->c.V * m->c.H : m->c.V;
        float *x;
        CALL(mem_alloc((size_t)count, sizeof *x, &x));
        err e = st_copy_f32(r->s, a, x, count);
        int equal = e == OK && memcmp(x, tied, (size_t)count * sizeof *x) == 0;
        free(x);
        CALL(e);
        CHECK(equal, ERR_DATA, "%s: array %s differs from %s; only a tied decoder is supported",
              r->path, name[i], i == 0 ? "the word embeddings" : "cls.predictions.bias");
    }
    return OK;
}

/* arrays of other heads that carry nothing an encoder needs */
static int is_harmless(const reader *r, const char *name) {
    if (starts(name, "cls.seq_relationship.") || strstr(name, "embeddings.position_ids"))
        return 1;
    if (starts(name, "classifier."))
        return r->want.classes >= 0;
    return starts(name, "cls.predictions.") && r->want.mlm == 0;
}

static err check_unused(const reader *r) {
    for (int i = 0; i < safetensors_count(r->s); i++) {
        const char *name = safetensors_at(r->s, i)->name;
        CHECK(r->used[i] || is_harmless(r, name), ERR_DATA,
              "%s: array %s is not part of a BERT encoder of %s", r->path, name,
              "the shape in config.json");
    }
    return OK;
}

/* which heads the encoder gets, from what is wanted and what is there */
static err choose_heads(reader *r, encoder_config *c) {
    const st_array *w = safetensors_find(r->s, "classifier.weight");
    int mlm = safetensors_find(r->s, "cls.predictions.bias") != NULL;
    int K = c->K;
    c->K = r->want.classes >= 0 ? r->want.classes : w ? K : 0;
    r->new_classifier = r->want.classes > 0 && (!w || w->rank < 1 || w->shape[0] != c->K);
    /* a checkpoint that was only pre-trained on masked words may come without a pooler */
    r->new_pooler = !safetensors_find(r->s, "bert.pooler.dense.weight") &&
                    !safetensors_find(r->s, "pooler.dense.weight");
    CHECK(c->K <= ENCODER_MAX_CLASSES, ERR_FAILED, "%d classes wanted; at most %d are supported",
          c->K, (int)ENCODER_MAX_CLASSES);
    if (c->K != K)
        for (int k = 0; k < c->K; k++)
            snprintf(c->label[k], sizeof c->label[k], "LABEL_%d", k);
    CHECK(r->want.mlm <= 0 || mlm, ERR_DATA,
          "%s: array cls.predictions.bias is missing: no masked-language head", r->path);
    c->mlm = r->want.mlm != 0 && mlm;
    return OK;
}

static err read_arrays(reader *r, encoder *m) {
    r->n = encoder_arrays(&m->c, NULL, 0);
    CALL(mem_alloc((size_t)r->n, sizeof *r->arrays, &r->arrays));
    encoder_arrays(&m->c, r->arrays, r->n);
    for (int i = 0; i < r->n; i++)
        CALL(read_array(r, m, &r->arrays[i]));
    CALL(check_tied(r, m));
    return check_unused(r);
}

err encoder_load(const char *dir, encoder_want want, encoder **out) {
    char config[4096];
    encoder_config *c = NULL;
    encoder *m = NULL;
    reader r = {.want = want};
    CALL(path_join(config, dir, "config.json"));
    CALL(path_join(r.path, dir, "model.safetensors"));
    err e;
    TRY(mem_alloc(1, sizeof *c, &c));
    TRY(config_read(config, c));
    TRY(safetensors_open(r.path, &r.s));
    TRY(mem_alloc((size_t)safetensors_count(r.s), 1, &r.used));
    TRY(choose_heads(&r, c));
    TRY(encoder_create(c, &m));
    TRY(read_arrays(&r, m));
    *out = m;
    m = NULL;
done:
    encoder_destroy(&m);
    safetensors_close(&r.s);
    free(r.arrays);
    free(r.used);
    free(c);
    return e;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static err write_weights(const encoder *m, const char *path) {
    int n = encoder_arrays(&m->c, NULL, 0);
    encoder_array *arrays = NULL;
    st_array *to = NULL;
    err e;
    TRY(mem_alloc((size_t)n, sizeof *arrays, &arrays));
    TRY(mem_alloc((size_t)n, sizeof *to, &to));
    encoder_arrays(&m->c, arrays, n);
    for (int i = 0; i < n; i++) {
        const encoder_array *a = &arrays[i];
        int vector = is_vector(a);
        to[i] = (st_array){.name = a->name,
                           .dtype = ST_F32,
                           .rank = vector ? 1 : 2,
                           .shape = {vector ? a->cols : a->rows, vector ? 0 : a->cols},
                           .count = (int64_t)a->rows * a->cols,
                           .data = m->block + a->offset};
    }
    TRY(safetensors_write(path, to, n));
done:
    free(arrays);
    free(to);
    return e;
}

static err copy_file(const char *from, const char *path) {
    char *bytes = NULL;
    size_t n;
    CALL(file_read(from, &bytes, &n));
    err e = atomic_write(path, bytes, n);
    free(bytes);
    return e;
}

err encoder_save(const encoder *m, const char *dir, const char *vocab_file) {
    char path[4096];
    CALL(dir_make(dir));
    if (vocab_file) {
        CALL(path_join(path, dir, "vocab.txt"));
        CALL(copy_file(vocab_file, path));
    }
    CALL(path_join(path, dir, "config.json"));
    CALL(config_write(path, &m->c));
    CALL(path_join(path, dir, "model.safetensors"));
    return write_weights(m, path);
}
