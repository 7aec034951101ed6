#include "attack/masked_lm.h"

#include "attack/spans.h"
#include "model/encoder.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 12 }; /* of a word; longer ones have no proposals (the authors' limit) */

struct masked_lm {
    encoder *m;
    encoder_ws *ws;
    const tokenizer *w;
    tokenizer *own;
};

err masked_lm_open(const char *dir, const tokenizer *w, masked_lm **out) {
    masked_lm *m = NULL;
    char path[4096];
    err e;
    TRY(mem_alloc(1, sizeof *m, &m));
    if (!w) {
        TRY(tokenizer_find(dir, path));
        TRY(tokenizer_open(path, &m->own));
    }
    m->w = w ? w : m->own;
    ENSURE(m->w->wordpiece, ERR_USAGE,
           "%s: its vocabulary is byte-level BPE; bert-attack needs a WordPiece model", dir);
    TRY(encoder_load(dir, (encoder_want){.classes = 0, .mlm = 1}, &m->m));
    ENSURE(m->m->c.V == m->w->V, ERR_DATA,
           "%s: word embeddings have %d rows, its vocabulary has %d pieces", dir, m->m->c.V,
           m->w->V);
    TRY(encoder_ws_create(&m->m->c, &m->ws));
    *out = m;
    m = NULL;
done:
    masked_lm_close(&m);
    return e;
}

void masked_lm_close(masked_lm **m) {
    if (!*m)
        return;
    encoder_ws_destroy(&(*m)->ws);
    encoder_destroy(&(*m)->m);
    tokenizer_close(&(*m)->own);
    free(*m);
    *m = NULL;
}

/* the most probable pieces at one place: id, logp (k) */
typedef struct place {
    const int32_t *id;
    const double *logp;
    int k;
} place;

/* a combination of pieces for the first places of a word */
typedef struct combination {
    double logp;
    int32_t piece[MAX_PIECES];
} combination;

static int more_probable(const void *a, const void *b) {
    const combination *x = a, *y = b;
    if (x->logp != y->logp)
        return x->logp > y->logp ? -1 : 1;
    return memcmp(x->piece, y->piece, sizeof x->piece); /* any fixed order */
}

/* can this piece stand at place number `at` of a word? 0 for marks and [UNK] */
static int fits(const tokenizer *w, int32_t id, int at) {
    const char *piece = id < 0 ? "" : tokenizer_piece(w, id);
    int continues = piece[0] == '#' && piece[1] == '#';
    piece += continues ? 2 : 0;
    if (continues != (at > 0) || !*piece)
        return 0;
    for (const char *c = piece; *c; c++)
        if ((unsigned char)*c < 128 && !isalnum((unsigned char)*c))
            return 0;
    return 1;
}

/* The k best combinations over n places into best (k), by way of next (k, k): how many there are.
 * Logarithms add up, so the k best of n places extend the k best of n - 1. */
static int combine(const tokenizer *w, const place *p, int n, int k, combination *best,
                   combination *next) {
    int have = 1;
    best[0] = (combination){0};
    for (int at = 0; at < n; at++) {
        int m = 0;
        for (int i = 0; i < have; i++)
            for (int j = 0; j < p[at].k; j++) {
                if (!fits(w, p[at].id[j], at))
                    continue;
                next[m] = best[i];
                next[m].logp += p[at].logp[j];
                next[m++].piece[at] = p[at].id[j];
            }
        qsort(next, (size_t)m, sizeof *next, more_probable);
        have = m < k ? m : k;
        memcpy(best, next, (size_t)have * sizeof *best);
    }
    return have;
}

static err spell(const tokenizer *w, arena *a, const combination *c, int n, const char **out) {
    size_t len = 0;
    char *text;
    for (int i = 0; i < n; i++)
        len += strlen(tokenizer_piece(w, c->piece[i]));
    CALL(arena_alloc(a, len + 1, 1, &text));
    *out = text;
    for (int i = 0; i < n; i++) {
        const char *piece = tokenizer_piece(w, c->piece[i]) + (i ? 2 : 0);
        text += strlen(strcpy(text, piece));
    }
    return OK;
}

/* the word of n pieces that the count best combinations spell */
static err propose_word(const masked_lm *m, arena *a, const char *word, int n,
                        const combination *best, int count, proposals *out) {
    const char *lower;
    CALL(words_lower(a, word, &lower));
    CALL(arena_alloc(a, (size_t)count + 1, sizeof *out->word, &out->word));
    for (int i = 0; i < count; i++) {
        CALL(spell(m->w, a, &best[i], n, &out->word[out->n]));
        if (strcmp(out->word[out->n], lower) != 0 && strcmp(out->word[out->n], word) != 0)
            out->n++;
    }
    return OK;
}

/* ids of the text and the places of all words in it: span, position (M) */
static err read_text(const masked_lm *m, arena *a, const wording *w, int32_t **ids, int *T,
                     span_of_ids **span, int32_t **position, int *M) {
    strbuf text = {0};
    int cut, P = m->m->c.P;
    CALL(arena_alloc(a, (size_t)P, sizeof **ids, ids));
    CALL(arena_alloc(a, (size_t)w->n + 1, sizeof **span, span));
    CALL(arena_alloc(a, (size_t)P, sizeof **position, position));
    err e = words_join(w, -1, &text);
    if (e == OK)
        e = tokenizer_sequence(m->w, text.text ? text.text : "", text.len, *ids, P, T, &cut);
    strbuf_free(&text);
    CALL(e);
    CALL(spans_find(m->w, w, P, *span));
    *M = 0;
    for (int i = 0; i < w->n; i++)
        for (int t = (*span)[i].first; t < (*span)[i].last; t++)
            (*position)[(*M)++] = t;
    return OK;
}

err masked_lm_propose(masked_lm *m, arena *a, const wording *w, int k, proposals *list) {
    int32_t *ids, *position, *id, offsets[2] = {0};
    double *logp;
    span_of_ids *span;
    place *p;
    combination *best, *next;
    int M, at = 0;
    CALL(arena_alloc(a, (size_t)k, sizeof *best, &best));
    CALL(arena_alloc(a, (size_t)k * (size_t)k, sizeof *next, &next));
    CALL(read_text(m, a, w, &ids, &offsets[1], &span, &position, &M));
    CALL(arena_alloc(a, (size_t)(M + 1) * (size_t)k, sizeof *id, &id));
    CALL(arena_alloc(a, (size_t)(M + 1) * (size_t)k, sizeof *logp, &logp));
    CALL(arena_alloc(a, (size_t)M + 1, sizeof *p, &p));
    batch b = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
    CALL(encoder_mlm_best(m->ws, m->m, &b, position, M, k, id, logp));
    for (int i = 0; i < M; i++)
        p[i] = (place){id + (size_t)i * (size_t)k, logp + (size_t)i * (size_t)k, k};
    for (int i = 0; i < w->n; i++) {
        int n = span[i].last - span[i].first;
        list[i] = (proposals){0};
        if (n > 0 && n <= MAX_PIECES) {
            int count = combine(m->w, p + at, n, k, best, next);
            CALL(propose_word(m, a, w->word[i], n, best, count, &list[i]));
        }
        at += n;
    }
    return OK;
}
