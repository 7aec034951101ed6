#include "attack/similarity.h"

#include "attack/sentence_encoder.h"
#include "attack/vector_cache.h"
#include "base/arena.h"
#include "io/hash.h"
#include "text/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* vectors kept, in bytes: 85,000 texts of 768 numbers */
enum { CACHE_BYTES = 256 << 20 };

enum { ANGULAR, COSINE, ARCCOS };

struct similarity {
    int measure;                 /* ANGULAR … */
    sentence_encoder *sentences; /* one of the two is NULL */
    const neighbours *words;
    vector_cache *cache;
    arena *scratch;
    double *sum; /* (d) */
    int d;
    int64_t asked, computed;
};

static err open_around(sentence_encoder *sentences, const neighbours *words, int d,
                       similarity **out) {
    similarity *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    s->words = words;
    s->d = d;
    TRY(mem_alloc((size_t)d + 1, sizeof *s->sum, &s->sum));
    TRY(arena_create(1 << 16, &s->scratch));
    TRY(vector_cache_create(d, CACHE_BYTES, &s->cache));
    s->sentences = sentences;
    sentences = NULL;
    *out = s;
    s = NULL;
done:
    sentence_encoder_close(&sentences);
    similarity_close(&s);
    return e;
}

err similarity_open_encoder(const encoder *m, const tokenizer *w, int max_length,
                            similarity **out) {
    sentence_encoder *sentences = NULL;
    CALL(sentence_encoder_borrow(m, w, max_length, &sentences));
    return open_around(sentences, NULL, m->c.H, out);
}

err similarity_open_checkpoint(const char *dir, similarity **out) {
    sentence_encoder *sentences = NULL;
    CALL(sentence_encoder_open(dir, &sentences));
    return open_around(sentences, NULL, sentence_encoder_width(sentences), out);
}

err similarity_open_vectors(const neighbours *vectors, similarity **out) {
    int d;
    (void)neighbours_vector(vectors, "", &d);
    return open_around(NULL, vectors, d, out);
}

void similarity_close(similarity **s) {
    if (!*s)
        return;
    sentence_encoder_close(&(*s)->sentences);
    vector_cache_destroy(&(*s)->cache);
    arena_destroy(&(*s)->scratch);
    free((*s)->sum);
    free(*s);
    *s = NULL;
}

err similarity_use(similarity *s, const char *measure) {
    static const char *const name[] = {"angular", "cosine", "arccos"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name[i], measure) == 0) {
            s->measure = i;
            return OK;
        }
    RAISE(ERR_USAGE, "unknown measure of similarity \"%s\": angular, cosine or arccos", measure);
}

err similarity_precision(similarity *s, precision p) {
    return s->sentences ? sentence_encoder_precision(s->sentences, p) : OK;
}

err similarity_layers(similarity *s, int n) {
    return s->sentences ? sentence_encoder_layers(s->sentences, n) : OK;
}

int similarity_depth(const similarity *s, int *all) {
    *all = 0;
    return s->sentences ? sentence_encoder_depth(s->sentences, all) : 0;
}

similarity_done similarity_work(const similarity *s) {
    return (similarity_done){s->asked, s->computed,
                             s->sentences ? sentence_encoder_tokens(s->sentences) : 0};
}

/* mean of the word vectors of a text, 0 where it has none */
static err mean_of_words(similarity *s, const char *text, float *v) {
    arena_mark mark = arena_here(s->scratch);
    wording w;
    int n = 0, d;
    CALL(words_split(s->scratch, text, &w));
    memset(s->sum, 0, (size_t)s->d * sizeof *s->sum);
    for (int i = 0; i < w.n; i++) {
        const char *lower;
        CALL(words_lower(s->scratch, w.word[i], &lower));
        const float *x = neighbours_vector(s->words, lower, &d);
        for (int k = 0; x && k < d; k++)
            s->sum[k] += (double)x[k];
        n += x != NULL;
    }
    for (int k = 0; k < s->d; k++)
        v[k] = n > 0 ? (float)(s->sum[k] / n) : 0.0f;
    arena_release(s->scratch, mark);
    return OK;
}

static err compute(similarity *s, const char *const *texts, int n, float *v) {
    s->computed += n;
    if (s->sentences)
        return sentence_encoder_embed(s->sentences, texts, n, v);
    for (int i = 0; i < n; i++)
        CALL(mean_of_words(s, texts[i], v + (size_t)i * (size_t)s->d));
    return OK;
}

/* what stands for another text of the same list */
static int earlier(const uint64_t *key, const int *missing, int n_missing, uint64_t wanted) {
    for (int k = 0; k < n_missing; k++)
        if (key[missing[k]] == wanted)
            return 1;
    return 0;
}

/* v (n, d): kept ones are copied, the others computed in one go and kept */
static err embed(similarity *s, const char *const *texts, int n, float *v) {
    uint64_t *key;
    int *missing, n_missing = 0;
    const char **list;
    float *fresh;
    size_t d = (size_t)s->d;
    CALL(arena_alloc(s->scratch, (size_t)n, sizeof *key, &key));
    CALL(arena_alloc(s->scratch, (size_t)n, sizeof *missing, &missing));
    CALL(arena_alloc(s->scratch, (size_t)n, sizeof *list, &list));
    s->asked += n;
    for (int i = 0; i < n; i++) {
        key[i] = hash_u64(texts[i], strlen(texts[i]));
        if (vector_cache_get(s->cache, key[i], v + (size_t)i * d) ||
            earlier(key, missing, n_missing, key[i]))
            continue;
        list[n_missing] = texts[i];
        missing[n_missing++] = i;
    }
    CALL(arena_alloc(s->scratch, (size_t)n_missing * d + 1, sizeof *fresh, &fresh));
    CALL(compute(s, list, n_missing, fresh));
    for (int k = 0; k < n_missing; k++) {
        for (int i = missing[k]; i < n; i++)
            if (key[i] == key[missing[k]])
                memcpy(v + (size_t)i * d, fresh + (size_t)k * d, d * sizeof *v);
        CALL(vector_cache_put(s->cache, key[missing[k]], fresh + (size_t)k * d));
    }
    return OK;
}

static double measure(const similarity *s, const float *a, const float *b) {
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int k = 0; k < s->d; k++) {
        ab += (double)a[k] * (double)b[k];
        aa += (double)a[k] * (double)a[k];
        bb += (double)b[k] * (double)b[k];
    }
    double cosine = aa > 0.0 && bb > 0.0 ? ab / sqrt(aa * bb) : -1.0;
    cosine = fmax(-1.0, fmin(1.0, cosine));
    if (s->measure == COSINE)
        return cosine;
    return 1.0 - acos(cosine) / (s->measure == ANGULAR ? 3.14159265358979323846 : 1.0);
}

err similarity_score(similarity *s, const char *text, const char *const *others, int n,
                     double *score) {
    arena_mark mark = arena_here(s->scratch);
    const char **all;
    float *v; // (n + 1, d)
    err e;
    TRY(arena_alloc(s->scratch, (size_t)n + 1, sizeof *all, &all));
    TRY(arena_alloc(s->scratch, ((size_t)n + 1) * (size_t)s->d + 1, sizeof *v, &v));
    all[0] = text;
    if (n > 0)
        memcpy(all + 1, others, (size_t)n * sizeof *all);
    TRY(embed(s, all, n + 1, v));
    for (int i = 0; i < n; i++)
        score[i] = measure(s, v, v + (size_t)(i + 1) * (size_t)s->d);
done:
    arena_release(s->scratch, mark);
    return e;
}

err similarity_prepare(similarity *s, const char *const *texts, int n) {
    enum { PIECE = 256 }; /* texts at a time: some full batches */
    arena_mark mark = arena_here(s->scratch);
    float *v; // (PIECE, d)
    const int64_t asked = s->asked;
    err e;
    TRY(arena_alloc(s->scratch, (size_t)PIECE * (size_t)s->d, sizeof *v, &v));
    for (int i = 0; i < n; i += PIECE)
        TRY(embed(s, texts + i, n - i < PIECE ? n - i : PIECE, v));
done:
    s->asked = asked; /* that will be asked later */
    arena_release(s->scratch, mark);
    return e;
}
