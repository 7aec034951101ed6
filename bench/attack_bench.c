#include "attack_bench.h"

#include "attack_rows.h"
#include "peak.h"

#include "attack/engine.h"
#include "attack/parts.h"
#include "base/arena.h"
#include "tensor/gemm.h"
#include "text/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 32, MAX_LENGTH = 64 };

const attack_way ATTACK_WAY[ATTACK_WAYS] = {
    {"none", "none", "auto", NULL, 0},
    {"word vectors", "vectors", "auto", NULL, 0},
    {"2 x 128", "encoder", "float32", "tiny", 1},
    {"start encoder", "encoder", "float32", "", 0},
    {"all its layers", "encoder", "float32", "", 1},
    {"all, in bf16", "encoder", "bf16", "", 1},
};

int attack_ways(void) {
    return ATTACK_WAYS - !gemm_has_bfloat16();
}

static err make_encoder(const size *z, int K, uint64_t seed, encoder **out) {
    encoder_config c = {.V = 30522, .H = z->H, .L = z->L, .A = z->A, .F = z->F, .P = 512};
    c.Y = 2;
    c.K = K;
    c.norm_eps = 1e-12f;
    CALL(encoder_create(&c, out));
    encoder_init(*out, seed);
    return OK;
}

static err make_victim(const size *z, const char *folder, int m, encoder **out) {
    if (folder) {
        CALL(encoder_load(folder, (encoder_want){.classes = -1, .mlm = 0}, out));
        return encoder_thin(*out);
    }
    CALL(make_encoder(z, 2, (uint64_t)m + 1, out));
    (*out)->p.class_b[0] = 2.0f; /* more than words can change */
    return OK;
}

static err make_victims(attack_bench *b, const size *z, const char *const *folders, int n) {
    for (b->n = 0; b->n < n; b->n++)
        CALL(make_victim(z, folders ? folders[b->n] : NULL, b->n, &b->victim[b->n]));
    for (int m = 0; m < n; m++)
        CHECK(b->victim[m]->c.L == b->victim[0]->c.L && b->victim[m]->c.H == b->victim[0]->c.H,
              ERR_USAGE, "%s: expected the shape of %s", folders[m], folders[0]);
    for (int i = 0; i < b->rows.n && !folders; i++)
        b->rows.label[i] = 0;
    b->name = folders ? "given" : z->name;
    return encoder_ws_create(&b->victim[0]->c, &b->ws);
}

/* 300 numbers of a word: near enough to each other for all candidates to be similar */
static void write_vector(FILE *f, const char *word, uint32_t *state) {
    fputs(word, f);
    for (int i = 0; i < 300; i++) {
        *state = *state * 1664525u + 1013904223u;
        fprintf(f, " %.2f", 2.0 * (*state >> 8) / (1 << 24));
    }
    fputc('\n', f);
}

/* a vector for every whole word of the vocabulary */
static err write_vectors(const char *vocabulary, FILE *f) {
    char word[256];
    uint32_t state = 1;
    FILE *words = fopen(vocabulary, "r");
    CHECK(words, ERR_IO, "%s: cannot be read", vocabulary);
    while (fgets(word, sizeof word, words)) {
        word[strcspn(word, "\n")] = '\0';
        if (word[0] >= 'a' && word[0] <= 'z')
            write_vector(f, word, &state);
    }
    fclose(words);
    return OK;
}

static err make_vectors(attack_bench *b, const char *vocabulary) {
    const char *folder = getenv("TMPDIR");
    char path[OPTION_TEXT_BYTES];
    CALL(attack_rows_path(path, folder ? folder : "/tmp", "bench_attack.XXXXXX"));
    const int fd = mkstemp(path);
    CHECK(fd >= 0, ERR_IO, "%s: cannot be made", path);
    memcpy(b->vectors, path, sizeof path);
    FILE *f = fdopen(fd, "w");
    CHECK(f, ERR_IO, "%s: cannot be written", path);
    err e = write_vectors(vocabulary, f);
    const int bad = ferror(f) | fclose(f);
    CHECK(e != OK || !bad, ERR_IO, "%s: cannot be written", path);
    return e;
}

err attack_bench_open(const size *z, const char *const *folders, int n, int rows,
                      attack_bench *out) {
    char vocabulary[OPTION_TEXT_BYTES];
    attack_bench *b = out;
    *b = (attack_bench){.data = getenv("ESPALIER_DATA")};
    CHECK(b->data, ERR_USAGE,
          "set ESPALIER_DATA to the folder with sst2/, vocab/, synonyms/, pos/");
    CALL(attack_rows_path(vocabulary, b->data, "vocab/bert-base-uncased.txt"));
    CALL(tokenizer_open(vocabulary, &b->w));
    CALL(make_vectors(b, vocabulary));
    CALL(dataset_read("sst2", b->data, "test", &b->rows));
    if (rows < b->rows.n)
        b->rows.n = rows;
    CALL(mem_alloc((size_t)b->rows.n, sizeof *b->r, &b->r));
    return make_victims(b, z, folders, n);
}

void attack_bench_close(attack_bench *b) {
    if (b->r)
        attack_bench_forget(b);
    free(b->r);
    encoder_ws_destroy(&b->ws);
    for (int m = 0; m < ATTACK_MODELS; m++)
        encoder_destroy(&b->victim[m]);
    dataset_free(&b->rows);
    tokenizer_close(&b->w);
    if (b->vectors[0])
        unlink(b->vectors);
}

static err make_judge(attack_bench *b, const attack_way *by, attack_options *o) {
    const encoder_config *v = &b->victim[0]->c;
    const size victims = {.L = v->L, .H = v->H, .A = v->A, .F = v->F};
    CALL(make_encoder(by->size[0] ? size_find(by->size) : &victims, 0, 1, &b->judge));
    b->judge->c.p = strcmp(by->precision, "bf16") == 0 ? BFLOAT16 : FLOAT32;
    o->similarity_layers = by->whole ? b->judge->c.L : 0;
    return OK;
}

err attack_bench_begin(attack_bench *b, const attack_way *by) {
    attack_options o;
    CALL(attack_rows_options(b->data, by->source, &o));
    memcpy(o.vectors, b->vectors, sizeof o.vectors);
    snprintf(o.similarity_precision, sizeof o.similarity_precision, "%s", by->precision);
    if (by->size)
        CALL(make_judge(b, by, &o));
    attack_setup setup = {
        .o = &o, .w = b->w, .similarity = b->judge, .max_length = MAX_LENGTH, .seed = 1};
    CALL(attack_open(&setup, &b->a));
    if (!b->judge)
        return OK;
    int all;
    b->judging = *b->judge;
    b->judging.c.L = similarity_depth(b->a->alike, &all);
    return encoder_ws_create(&b->judging.c, &b->judge_ws);
}

void attack_bench_end(attack_bench *b) {
    attack_close(&b->a);
    encoder_ws_destroy(&b->judge_ws);
    encoder_destroy(&b->judge);
}

void attack_bench_forget(attack_bench *b) {
    for (int i = 0; i < b->rows.n; i++)
        attack_result_free(&b->r[i]);
}

err attack_bench_attack(attack_bench *b, int m, int first, int n, attack_work *out) {
    const similarity *s = b->a->alike;
    const int64_t tokens = engine_done(b->a->engine).tokens;
    const int64_t judged = s ? similarity_work(s).tokens : 0;
    const double start = peak_now();
    CALL(attack_rows(b->a, b->ws, b->victim[m], &b->rows, first, n, b->r + first));
    out->seconds = peak_now() - start;
    out->tokens = engine_done(b->a->engine).tokens - tokens;
    out->judged = s ? similarity_work(s).tokens - judged : 0;
    return OK;
}

static err plain_batch(attack_bench *b, int m, const batch *one, double *seconds) {
    const float *logits;
    const double start = peak_now();
    if (m < 0)
        CALL(encoder_forward(b->judge_ws, &b->judging, one, NULL, 0));
    else
        CALL(encoder_classify(b->ws, b->victim[m], one, NULL, &logits));
    *seconds += peak_now() - start;
    return OK;
}

err attack_bench_plain(attack_bench *b, int m, int first, int n, double *rate) {
    dataset d = b->rows; /* these rows as a view */
    d.n = n;
    d.offset += first;
    d.label += first;
    examples x = {0};
    packer *pack = NULL;
    int32_t index[BATCH];
    int64_t tokens = 0;
    double seconds = 0.0;
    err e;
    TRY(examples_make(&d, b->w, MAX_LENGTH, &x));
    TRY(packer_create(&x, BATCH, &pack));
    for (int i = 0, B = 0; i < n; i++)
        for (int64_t q = 0; q < b->r[first + i].queries; q++) {
            index[B++] = i;
            if (B < BATCH && (i + 1 < n || q + 1 < b->r[first + i].queries))
                continue;
            batch one;
            TRY(packer_pack(pack, index, B, &one));
            TRY(plain_batch(b, m, &one, &seconds));
            tokens += one.T;
            B = 0;
        }
    *rate = (double)tokens / seconds;
done:
    packer_destroy(&pack);
    examples_free(&x);
    return e;
}
