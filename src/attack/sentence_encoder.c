#include "attack/sentence_encoder.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "model/first_layer.h"

#include <stdlib.h>
#include <string.h>

/* tokens of a batch: enough for full GEMM speed, little enough for the cache */
enum { BATCH_TOKENS = 2048 };

struct sentence_encoder {
    encoder view; /* the encoder, or the same weights in another precision, its first layers only */
    int layers;   /* of the encoder; the view may have fewer */
    const tokenizer *w;
    encoder *own_m; /* NULL: borrowed */
    tokenizer *own_w;
    encoder_ws *ws; /* NULL: nothing was embedded yet */
    first_layer *first;
    double *sum; /* (H) */
    int max_length;
    int ends;         /* [CLS] and [SEP] count in the mean */
    int alone;        /* every text is a batch of its own */
    int32_t *ids;     // (n, max_length) packed
    int32_t *offsets; // (n + 1)
    size_t cap_ids, cap_offsets;
    int64_t tokens;
};

static err finish(sentence_encoder *s, const encoder *m, const tokenizer *w, int max_length) {
    s->view = *m;
    s->layers = m->c.L;
    s->w = w;
    s->max_length = max_length < m->c.P ? max_length : m->c.P;
    s->alone = !gemm_rows_independent();
    CHECK(w->V <= m->c.V, ERR_DATA,
          "%s has %d pieces, the word embeddings of the sentence encoder only %d rows", w->path,
          w->V, m->c.V);
    CHECK(s->max_length > 2, ERR_DATA, "%s: a sentence encoder of %d positions", w->path,
          s->max_length);
    CALL(first_layer_create(FIRST_LAYER_BYTES, &s->first));
    return mem_alloc((size_t)m->c.H, sizeof *s->sum, &s->sum);
}

err sentence_encoder_borrow(const encoder *m, const tokenizer *w, int max_length,
                            sentence_encoder **out) {
    sentence_encoder *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    TRY(finish(s, m, w, max_length));
    *out = s;
    s = NULL;
done:
    sentence_encoder_close(&s);
    return e;
}

static int ends_with(const char *text, const char *tail) {
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && strcmp(text + n - m, tail) == 0;
}

/* every pooling_mode_… that is true must be the mean's; newer files say "pooling_mode": "mean" */
static err check_pooling(const char *path) {
    json_t *config = NULL, *value;
    const char *key, *mode = NULL;
    int mean = 0;
    CALL(json_read(path, &config));
    err e = OK;
    json_object_foreach(config, key, value) {
        if (strncmp(key, "pooling_mode_", 13) == 0 && json_is_true(value)) {
            mean |= strcmp(key, "pooling_mode_mean_tokens") == 0;
            ENSURE(strcmp(key, "pooling_mode_mean_tokens") == 0, ERR_DATA,
                   "%s: %s is set; only the mean of the tokens can be computed: take a checkpoint "
                   "with pooling_mode_mean_tokens alone",
                   path, key);
        }
    }
    mode = json_string_value(json_object_get(config, "pooling_mode"));
    mean |= mode && strcmp(mode, "mean") == 0;
    ENSURE(mean, ERR_DATA,
           "%s: pooling_mode_mean_tokens is not set; only the mean of the tokens can be computed",
           path);
done:
    json_decref(config);
    return e;
}

/* one entry of modules.json: *path its folder below dir */
static err check_module(const char *file, const char *dir, size_t i, const json_t *module,
                        char transformer[4096]) {
    char folder[4096], config[4096];
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    CHECK(type && path, ERR_DATA, "%s: module %zu: expected \"type\" and \"path\"", file, i);
    CALL(path_join(folder, dir, path));
    if (i == 0) {
        CHECK(ends_with(type, ".Transformer"), ERR_DATA,
              "%s: the first module is %s, expected a Transformer", file, type);
        return path_join(transformer, dir, path);
    }
    if (ends_with(type, ".Normalize")) /* angles stay what they are */
        return OK;
    CHECK(i == 1 && ends_with(type, ".Pooling"), ERR_DATA,
          "%s: module %zu is %s; only a Transformer, Pooling by the mean and Normalize can be "
          "computed",
          file, i, type);
    CALL(path_join(config, folder, "config.json"));
    return check_pooling(config);
}

/* where the transformer of dir lies; a folder without modules.json is one itself */
static err find_transformer(const char *dir, char transformer[4096]) {
    char file[4096];
    CALL(path_join(file, dir, "modules.json"));
    if (!path_exists(file))
        return path_join(transformer, dir, "");
    json_t *modules = NULL, *module;
    size_t i;
    CALL(json_read(file, &modules));
    err e = OK;
    ENSURE(json_is_array(modules) && json_array_size(modules) >= 2, ERR_DATA,
           "%s: expected a list of a Transformer and Pooling", file);
    json_array_foreach(modules, i, module) {
        TRY(check_module(file, dir, i, module, transformer));
    }
done:
    json_decref(modules);
    return e;
}

/* the longest sequence that the checkpoint was made for; 0: it does not say */
static err find_length(const char *transformer, int64_t *length) {
    char file[4096];
    json_t *config = NULL;
    *length = 0;
    CALL(path_join(file, transformer, "sentence_bert_config.json"));
    if (!path_exists(file))
        return OK;
    CALL(json_read(file, &config));
    err e = OK;
    const json_t *value = json_object_get(config, "max_seq_length");
    if (value && !json_is_null(value))
        e = json_get_int(config, file, "max_seq_length", 3, 1 << 20, length);
    json_decref(config);
    return e;
}

err sentence_encoder_open(const char *dir, sentence_encoder **out) {
    sentence_encoder *s = NULL;
    char transformer[4096], vocabulary[4096];
    int64_t length;
    err e;
    TRY(find_transformer(dir, transformer));
    TRY(mem_alloc(1, sizeof *s, &s));
    s->ends = 1;
    TRY(tokenizer_find(transformer, vocabulary));
    TRY(tokenizer_open(vocabulary, &s->own_w));
    TRY(encoder_load(transformer, (encoder_want){.classes = 0, .mlm = 0}, &s->own_m));
    TRY(find_length(transformer, &length));
    TRY(finish(s, s->own_m, s->own_w, length > 0 ? (int)length : s->own_m->c.P));
    *out = s;
    s = NULL;
done:
    sentence_encoder_close(&s);
    return e;
}

void sentence_encoder_close(sentence_encoder **s) {
    if (!*s)
        return;
    encoder_ws_destroy(&(*s)->ws);
    first_layer_destroy(&(*s)->first);
    encoder_destroy(&(*s)->own_m);
    tokenizer_close(&(*s)->own_w);
    free((*s)->sum);
    free((*s)->ids);
    free((*s)->offsets);
    free(*s);
    *s = NULL;
}

err sentence_encoder_precision(sentence_encoder *s, precision p) {
    CHECK(p == FLOAT32 || gemm_has_bfloat16(), ERR_USAGE,
          "attack.similarity_precision is bf16, which this CPU (or this build, see `espalier "
          "doctor`) does not multiply: expected float32");
    s->view.c.p = p;
    return OK;
}

err sentence_encoder_layers(sentence_encoder *s, int n) {
    CHECK(n > 0 && n <= s->layers, ERR_USAGE,
          "attack.similarity_layers is %d, the sentence encoder has %d: expected 1 to %d", n,
          s->layers, s->layers);
    s->view.c.L = n;
    return OK;
}

int sentence_encoder_depth(const sentence_encoder *s, int *all) {
    *all = s->layers;
    return s->view.c.L;
}

int64_t sentence_encoder_tokens(const sentence_encoder *s) {
    return s->tokens;
}

int sentence_encoder_width(const sentence_encoder *s) {
    return s->view.c.H;
}

/* before the first text, when it is settled how the encoder is computed */
static err begin(sentence_encoder *s) {
    if (s->ws)
        return OK;
    CALL(encoder_ws_create(&s->view.c, &s->ws));
    encoder_ws_remember(s->ws, s->first, &s->view);
    return OK;
}

/* for one text more than n */
static err make_room(sentence_encoder *s, int n) {
    const size_t texts = (size_t)n + 1, most = (size_t)s->max_length;
    CALL(mem_grow(texts * most, sizeof *s->ids, &s->ids, &s->cap_ids));
    return mem_grow(texts + 1, sizeof *s->offsets, &s->offsets, &s->cap_offsets);
}

/* mean of the rows first .. last - 1 of h (T, H), added up in float64 */
static void mean(const sentence_encoder *s, const float *h, int first, int last, float *v) {
    int H = s->view.c.H;
    memset(s->sum, 0, (size_t)H * sizeof *s->sum);
    for (int row = first; row < last; row++)
        for (int c = 0; c < H; c++)
            s->sum[c] += (double)h[(size_t)row * (size_t)H + (size_t)c];
    for (int c = 0; c < H; c++)
        v[c] = last > first ? (float)(s->sum[c] / (last - first)) : 0.0f;
}

/* the first texts of a list as a batch, *n of them: v (*n, H) */
static err embed_batch(sentence_encoder *s, const char *const *texts, int left, float *v, int *n) {
    int used = 0, length, cut;
    for (*n = 0; *n < left; (*n)++, used += length) {
        CALL(make_room(s, *n));
        s->offsets[*n] = used;
        CALL(tokenizer_sequence(s->w, texts[*n], strlen(texts[*n]), s->ids + used, s->max_length,
                                &length, &cut));
        if (*n > 0 && (s->alone || used + length > BATCH_TOKENS))
            break;
    }
    s->offsets[*n] = used;
    batch b = {.B = *n, .T = used, .ids = s->ids, .offsets = s->offsets};
    CALL(encoder_forward(s->ws, &s->view, &b, NULL, 0));
    s->tokens += used;
    const float *h = encoder_hidden(s->ws, s->view.c.L); // (T, H)
    for (int i = 0; i < *n; i++)
        mean(s, h, s->offsets[i] + !s->ends, s->offsets[i + 1] - !s->ends,
             v + (size_t)i * (size_t)s->view.c.H);
    return OK;
}

err sentence_encoder_embed(sentence_encoder *s, const char *const *texts, int n, float *v) {
    CALL(begin(s));
    for (int i = 0, done; i < n; i += done)
        CALL(embed_batch(s, texts + i, n - i, v + (size_t)i * (size_t)s->view.c.H, &done));
    return OK;
}
