#include "attack/texts.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* tokens of a batch: enough for full GEMM speed, little enough for the cache */
enum { BATCH_TOKENS = 2048 };

struct texts {
    const tokenizer *w;
    int max_length;
    int n, cap;
    int32_t *ids;      /* (cap, max_length) packed: text i at offset[i] */
    int32_t *offset;   /* (cap + 1) */
    int32_t *relative; /* (cap + 1) offsets of one batch */
};

err texts_create(const tokenizer *w, int max_length, texts **out) {
    CALL(mem_alloc(1, sizeof **out, out));
    (*out)->w = w;
    (*out)->max_length = max_length;
    return OK;
}

void texts_destroy(texts **t) {
    if (!*t)
        return;
    free((*t)->ids);
    free((*t)->offset);
    free((*t)->relative);
    free(*t);
    *t = NULL;
}

void texts_clear(texts *t) {
    t->n = 0;
}

int texts_count(const texts *t) {
    return t->n;
}

static err grow(texts *t) {
    int cap = t->cap ? 2 * t->cap : 64;
    int32_t *ids = realloc(t->ids, (size_t)cap * (size_t)t->max_length * sizeof *ids);
    CHECK(ids, ERR_FAILED, "out of memory");
    t->ids = ids;
    int32_t *offset = realloc(t->offset, ((size_t)cap + 1) * sizeof *offset);
    CHECK(offset, ERR_FAILED, "out of memory");
    t->offset = offset;
    int32_t *relative = realloc(t->relative, ((size_t)cap + 1) * sizeof *relative);
    CHECK(relative, ERR_FAILED, "out of memory");
    t->relative = relative;
    t->cap = cap;
    return OK;
}

err texts_add(texts *t, const char *text) {
    int len, cut;
    if (t->n == t->cap)
        CALL(grow(t));
    if (t->n == 0)
        t->offset[0] = 0;
    CALL(tokenizer_sequence(t->w, text, strlen(text), t->ids + t->offset[t->n], t->max_length, &len,
                            &cut));
    t->offset[t->n + 1] = t->offset[t->n] + len;
    t->n++;
    return OK;
}

/* the batch of texts from first on; how many it has */
static int take(texts *t, int first, batch *b) {
    int n = 1;
    while (first + n < t->n && t->offset[first + n + 1] - t->offset[first] <= BATCH_TOKENS)
        n++;
    for (int i = 0; i <= n; i++)
        t->relative[i] = t->offset[first + i] - t->offset[first];
    *b = (batch){
        .B = n, .T = t->relative[n], .ids = t->ids + t->offset[first], .offsets = t->relative};
    return n;
}

err texts_classify(texts *t, encoder_ws *ws, const encoder *m, double *p) {
    for (int i = 0, n; i < t->n; i += n) {
        batch b;
        const float *logits;
        n = take(t, i, &b);
        CALL(encoder_classify(ws, m, &b, NULL, &logits));
        encoder_softmax(p + (size_t)i * (size_t)m->c.K, logits, n, m->c.K);
    }
    return OK;
}

err texts_embed(texts *t, encoder_ws *ws, const encoder *m, double *v) {
    int H = m->c.H;
    for (int i = 0, n; i < t->n; i += n) {
        batch b;
        n = take(t, i, &b);
        CALL(encoder_forward(ws, m, &b, NULL, 0));
        const float *h = encoder_hidden(ws, m->c.L); // (T, H)
        for (int k = 0; k < n; k++) {
            int first = b.offsets[k] + 1, last = b.offsets[k + 1] - 1;
            double *mean = v + (size_t)(i + k) * (size_t)H;
            memset(mean, 0, (size_t)H * sizeof *mean);
            for (int row = first; row < last; row++)
                for (int c = 0; c < H; c++)
                    mean[c] += (double)h[(size_t)row * (size_t)H + (size_t)c];
            for (int c = 0; c < H && last > first; c++)
                mean[c] /= last - first;
        }
    }
    return OK;
}
