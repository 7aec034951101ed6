#include "model/encoder.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "model/config_file.h"
#include "model/sparse_file.h"
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct reader {
    weights *w;
    const encoder_family *f;
    unsigned char *used; /* (arrays of the checkpoint) */
    encoder_want want;
    int new_pooler, new_classifier; /* initialised, not read */
    encoder_array *arrays;          /* (n) of the encoder */
    int *from;                      /* (n) the checkpoint's array of each, -1: initialised */
    int *mask;                      /* (n) its mask, from: the values (sparse_file.h); -1: none */
    int n;
} reader;

static int starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* Checkpoints from TensorFlow's days call LayerNorm's two arrays gamma and beta: 1 and name's other
 * spelling in old, or 0. */
static int old_name(const char *name, char old[ENCODER_NAME_BYTES]) {
    static const char *const spelling[2][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                               {"LayerNorm.bias", "LayerNorm.beta"}};
    for (int i = 0; i < 2; i++) {
        const char *tail = strstr(name, spelling[i][0]);
        if (tail) {
            snprintf(old, ENCODER_NAME_BYTES, "%.*s%s", (int)(tail - name), name, spelling[i][1]);
            return 1;
        }
    }
    return 0;
}

/* an array by its name, with or without the family's prefix; -1: not there */
static int look_up(const reader *r, const char *name) {
    char old[ENCODER_NAME_BYTES];
    size_t skip = starts(name, r->f->prefix) ? strlen(r->f->prefix) : 0;
    int i = weights_find(r->w, name);
    if (i < 0 && skip)
        i = weights_find(r->w, name + skip);
    return i < 0 && old_name(name, old) ? look_up(r, old) : i;
}

static err check_shape(const reader *r, int i, const encoder_array *want) {
    const st_array *a = weights_at(r->w, i);
    int vector = !want->decay; /* biases and LayerNorm have one dimension in the file */
    int fits = vector ? a->rank == 1 && a->shape[0] == want->cols
                      : a->rank == 2 && a->shape[0] == want->rows && a->shape[1] == want->cols;
    if (fits)
        return OK;
    char have[128] = "";
    for (int k = 0; k < a->rank; k++) {
        size_t n = strlen(have);
        snprintf(have + n, sizeof have - n, "%s%lld", k ? ", " : "", (long long)a->shape[k]);
    }
    if (vector)
        RAISE(ERR_DATA, "%s: array %s has shape (%s); config.json asks for (%d)",
              weights_path(r->w, i), a->name, have, want->cols);
    RAISE(ERR_DATA, "%s: array %s has shape (%s); config.json asks for (%d, %d)",
          weights_path(r->w, i), a->name, have, want->rows, want->cols);
}

/* is a one of the arrays whose names in BERT's table begin with `with`? */
static int belongs(const reader *r, const encoder_array *a, const char *with) {
    char own[ENCODER_NAME_BYTES];
    encoder_family_array(r->f, with, own, sizeof own);
    return starts(a->name, own);
}

/* array i without its zeros, if it is there so */
static int find_sparse(reader *r, int i) {
    const char *name = r->arrays[i].name;
    size_t skip = starts(name, r->f->prefix) ? strlen(r->f->prefix) : 0;
    if (!sparse_find(r->w, name, &r->mask[i], &r->from[i]) &&
        !sparse_find(r->w, name + skip, &r->mask[i], &r->from[i])) {
        r->from[i] = r->mask[i] = -1;
        return 0;
    }
    r->used[r->from[i]] = r->used[r->mask[i]] = 1;
    return 1;
}

/* Where every array comes from, found and of the right shape before memory is taken for any: so a
 * config.json with a wrong size is told, however large the size. */
static err find_arrays(reader *r, const encoder_config *c) {
    r->n = encoder_arrays(c, NULL, 0);
    CALL(mem_alloc((size_t)r->n, sizeof *r->arrays, &r->arrays));
    CALL(mem_alloc((size_t)r->n, sizeof *r->from, &r->from));
    CALL(mem_alloc((size_t)r->n, sizeof *r->mask, &r->mask));
    encoder_arrays(c, r->arrays, r->n);
    for (int i = 0; i < r->n; i++) {
        const encoder_array *a = &r->arrays[i];
        int pooler = belongs(r, a, "bert.pooler.dense.");
        r->from[i] = r->mask[i] = -1;
        if (pooler ? r->new_pooler : r->new_classifier && belongs(r, a, "classifier."))
            continue;
        r->from[i] = look_up(r, a->name);
        if (r->from[i] < 0 && a->prunable && find_sparse(r, i)) {
            int64_t n = (int64_t)a->rows * a->cols;
            CALL(sparse_check(r->w, r->mask[i], r->from[i], n));
            continue;
        }
        CHECK(r->from[i] >= 0, ERR_DATA, "%s: array %s is missing", weights_name(r->w), a->name);
        r->used[r->from[i]] = 1;
        CALL(check_shape(r, r->from[i], a));
    }
    return OK;
}

/* a copy of the word embeddings or of the head's bias must be the tied one that it is by definition
 */
static err check_copy(reader *r, const char *name, const float *tied, int64_t count,
                      const char *of) {
    int i = name ? weights_find(r->w, name) : -1;
    if (i < 0)
        return OK;
    r->used[i] = 1;
    if (!tied)
        return OK;
    float *x;
    CALL(mem_alloc((size_t)count, sizeof *x, &x));
    err e = weights_copy(r->w, i, x, count);
    int equal = e == OK && memcmp(x, tied, (size_t)count * sizeof *x) == 0;
    free(x);
    CALL(e);
    CHECK(equal, ERR_DATA, "%s: array %s differs from %s; only a tied decoder is supported",
          weights_path(r->w, i), name, of);
    return OK;
}

static err check_tied(reader *r, const encoder *m) {
    const float *words = m->c.mlm ? m->p.word_emb : NULL;
    CALL(check_copy(r, r->f->decoder_w, words, (int64_t)m->c.V * m->c.H, "the word embeddings"));
    return check_copy(r, r->f->decoder_b, m->p.mlm_bias, m->c.V, "the head's bias");
}

/* does name begin with one of these, the family's prefix left out or not? */
static int among(const reader *r, const char *const *list, int n, const char *name) {
    for (int i = 0; i < n && list[i]; i++) {
        size_t skip = starts(list[i], r->f->prefix) ? strlen(r->f->prefix) : 0;
        if (starts(name, list[i]) || starts(name, list[i] + skip))
            return 1;
    }
    return 0;
}

/* arrays of other heads that carry nothing an encoder needs */
static int is_harmless(const reader *r, const char *name) {
    return among(r, r->f->passed, FAMILY_PASSED, name) ||
           (r->want.classes >= 0 && among(r, r->f->classifier, FAMILY_CLASSIFIER, name)) ||
           (r->want.mlm == 0 && among(r, &r->f->masked, 1, name));
}

static err check_unused(const reader *r) {
    for (int i = 0; i < weights_count(r->w); i++) {
        const char *name = weights_at(r->w, i)->name;
        CHECK(r->used[i] || is_harmless(r, name), ERR_DATA,
              "%s: array %s is not part of a %s encoder of the shape in config.json",
              weights_path(r->w, i), name, r->f->name);
    }
    return OK;
}

/* an array of BERT's table under the family's name; -1: not there */
static int table_array(const reader *r, const char *name) {
    char own[ENCODER_NAME_BYTES];
    encoder_family_array(r->f, name, own, sizeof own);
    return look_up(r, own);
}

/* which heads the encoder gets, from what is wanted and what is there */
static err choose_heads(reader *r, encoder_config *c) {
    int w = table_array(r, "classifier.weight");
    int mlm = table_array(r, "cls.predictions.bias") >= 0;
    int K = c->K;
    c->K = r->want.classes >= 0 ? r->want.classes : w >= 0 ? K : 0;
    const st_array *a = w >= 0 ? weights_at(r->w, w) : NULL;
    r->new_classifier = r->want.classes > 0 && (!a || a->rank < 1 || a->shape[0] != c->K);
    /* a checkpoint that was only pre-trained on masked words may come without a pooler */
    r->new_pooler =
        table_array(r, "bert.pooler.dense.weight") < 0 && (r->new_classifier || r->f->has_pooler);
    CHECK(c->K <= ENCODER_MAX_CLASSES, ERR_FAILED, "%d classes wanted; at most %d are supported",
          c->K, (int)ENCODER_MAX_CLASSES);
    if (c->K != K)
        for (int k = 0; k < c->K; k++)
            snprintf(c->label[k], sizeof c->label[k], "LABEL_%d", k);
    char bias[ENCODER_NAME_BYTES];
    encoder_family_array(r->f, "cls.predictions.bias", bias, sizeof bias);
    CHECK(r->want.mlm <= 0 || mlm, ERR_DATA, "%s: array %s is missing: no masked-language head",
          weights_name(r->w), bias);
    c->mlm = r->want.mlm != 0 && mlm;
    return OK;
}

static err read_arrays(reader *r, encoder *m) {
    for (int i = 0; i < r->n; i++) {
        const encoder_array *a = &r->arrays[i];
        if (r->from[i] < 0)
            encoder_init_array(m, a, r->want.seed);
        else if (r->mask[i] >= 0)
            CALL(sparse_copy(r->w, r->mask[i], r->from[i], m->block + a->offset,
                             (int64_t)a->rows * a->cols));
        else
            CALL(weights_copy(r->w, r->from[i], m->block + a->offset, (int64_t)a->rows * a->cols));
    }
    CALL(check_tied(r, m));
    return check_unused(r);
}

err encoder_load(const char *dir, encoder_want want, encoder **out) {
    char config[4096];
    encoder_config *c = NULL;
    encoder *m = NULL;
    reader r = {.want = want};
    CALL(path_join(config, dir, "config.json"));
    err e;
    TRY(mem_alloc(1, sizeof *c, &c));
    TRY(config_read(config, c));
    r.f = encoder_family_in(c);
    TRY(weights_open(dir, &r.w));
    TRY(mem_alloc((size_t)weights_count(r.w) + 1, 1, &r.used));
    TRY(choose_heads(&r, c));
    TRY(find_arrays(&r, c));
    TRY(encoder_create(c, &m));
    TRY(read_arrays(&r, m));
    *out = m;
    m = NULL;
done:
    encoder_destroy(&m);
    weights_close(&r.w);
    free(r.arrays);
    free(r.from);
    free(r.mask);
    free(r.used);
    free(c);
    return e;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* a matrix without its zeros, in memory until the file is written */
typedef struct split {
    char mask_name[ENCODER_NAME_BYTES + 8], values_name[ENCODER_NAME_BYTES + 8];
    unsigned char *mask;
    float *values;
} split;

static st_array dense_array(const encoder *m, const encoder_array *a) {
    int vector = !a->decay;
    return (st_array){.name = a->name,
                      .dtype = ST_F32,
                      .rank = vector ? 1 : 2,
                      .shape = {vector ? a->cols : a->rows, vector ? 0 : a->cols},
                      .count = (int64_t)a->rows * a->cols,
                      .data = m->block + a->offset};
}

/* two arrays to[0], to[1] for a */
static err sparse_arrays(const encoder *m, const encoder_array *a, split *s, st_array *to) {
    const float *x = m->block + a->offset;
    int64_t n = (int64_t)a->rows * a->cols, bytes = (n + 7) / 8;
    int64_t kept = sparse_split(x, n, NULL, NULL);
    CALL(mem_alloc((size_t)bytes, 1, &s->mask));
    CALL(mem_alloc((size_t)kept + 1, sizeof *s->values, &s->values));
    sparse_split(x, n, s->mask, s->values);
    snprintf(s->mask_name, sizeof s->mask_name, "%s.mask", a->name);
    snprintf(s->values_name, sizeof s->values_name, "%s.values", a->name);
    to[0] = (st_array){s->mask_name, ST_U8, 1, {bytes}, bytes, s->mask};
    to[1] = (st_array){s->values_name, ST_F32, 1, {kept}, kept, s->values};
    return OK;
}

static err write_weights(const encoder *m, const char *path, int sparse) {
    int n = encoder_arrays(&m->c, NULL, 0), written = 0;
    encoder_array *arrays = NULL;
    st_array *to = NULL;
    split *splits = NULL;
    err e;
    TRY(mem_alloc((size_t)n, sizeof *arrays, &arrays));
    TRY(mem_alloc(2 * (size_t)n, sizeof *to, &to));
    TRY(mem_alloc((size_t)n, sizeof *splits, &splits));
    encoder_arrays(&m->c, arrays, n);
    for (int i = 0; i < n; i++) {
        const encoder_array *a = &arrays[i];
        if (sparse && a->prunable &&
            sparse_pays(m->block + a->offset, (int64_t)a->rows * a->cols)) {
            TRY(sparse_arrays(m, a, &splits[i], &to[written]));
            written += 2;
        } else {
            to[written++] = dense_array(m, a);
        }
    }
    TRY(safetensors_write(path, to, written));
done:
    for (int i = 0; splits && i < n; i++) {
        free(splits[i].mask);
        free(splits[i].values);
    }
    free(splits);
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

/* vocab.txt, or vocab.json and the merges.txt beside it */
static err copy_vocabulary(const char *file, const char *dir) {
    char path[4096], merges[4096];
    size_t n = strlen(file);
    const char *slash = strrchr(file, '/');
    int bpe = n >= 5 && strcmp(file + n - 5, ".json") == 0;
    CALL(path_join(path, dir, bpe ? "vocab.json" : "vocab.txt"));
    CALL(copy_file(file, path));
    if (!bpe)
        return OK;
    int length = slash ? (int)(slash - file) + 1 : 0;
    CHECK(snprintf(merges, sizeof merges, "%.*smerges.txt", length, file) < (int)sizeof merges,
          ERR_IO, "%s: the path is too long", file);
    CALL(path_join(path, dir, "merges.txt"));
    return copy_file(merges, path);
}

static err save(const encoder *m, const char *dir, const char *vocab_file, int sparse) {
    char path[4096];
    CALL(dir_make(dir));
    if (vocab_file)
        CALL(copy_vocabulary(vocab_file, dir));
    CALL(path_join(path, dir, "config.json"));
    CALL(config_write(path, &m->c));
    CALL(path_join(path, dir, "model.safetensors"));
    return write_weights(m, path, sparse);
}

err encoder_save(const encoder *m, const char *dir, const char *vocab_file) {
    return save(m, dir, vocab_file, 0);
}

err encoder_save_sparse(const encoder *m, const char *dir, const char *vocab_file) {
    return save(m, dir, vocab_file, 1);
}
