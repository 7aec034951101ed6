#include "train/cooccurrence.h"

#include "base/arena.h"
#include "linalg/eigen.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW = 4, MOST_PIECES = 2048 };

/* root mean square of the new embeddings: somewhat above the 0.02 of positions, so that words lead
 */
static const double SCALE = 0.05;

typedef struct counted {
    int64_t count;
    int32_t id;
} counted;

static int most_frequent_first(const void *a, const void *b) {
    const counted *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int is_special(const tokenizer *w, int32_t id) {
    return id == w->pad || id == w->unk || id == w->cls || id == w->sep || id == w->mask;
}

/* index (V): rank of a piece among the frequent ones, -1 for the rest; n of them, id (n) */
static err choose_pieces(const tokenizer *w, const examples *x, int32_t *index, int32_t *id,
                         int *n) {
    counted *c = NULL;
    CALL(mem_alloc((size_t)w->V, sizeof *c, &c));
    for (int32_t v = 0; v < w->V; v++)
        c[v].id = v;
    for (int64_t i = 0; i < x->offset[x->n]; i++)
        c[x->ids[i]].count += !is_special(w, x->ids[i]);
    qsort(c, (size_t)w->V, sizeof *c, most_frequent_first);
    *n = 0;
    for (int32_t v = 0; v < w->V; v++) {
        int take = v < MOST_PIECES && c[v].count > 0;
        index[c[v].id] = take ? v : -1;
        if (take)
            id[(*n)++] = c[v].id;
    }
    free(c);
    return OK;
}

/* c (n, n) = how often two pieces stand within the window of each other */
static void count_pairs(const examples *x, const int32_t *index, int n, double *c) {
    for (int s = 0; s < x->n; s++)
        for (int64_t i = x->offset[s]; i < x->offset[s + 1]; i++)
            for (int64_t j = i + 1; j <= i + WINDOW && j < x->offset[s + 1]; j++) {
                int32_t a = index[x->ids[i]], b = index[x->ids[j]];
                if (a < 0 || b < 0)
                    continue;
                c[(size_t)a * (size_t)n + (size_t)b] += 1.0;
                c[(size_t)b * (size_t)n + (size_t)a] += 1.0;
            }
}

/* counts to max(0, log(P(a, b) / (P(a) P(b)))) */
static err to_ppmi(double *c, int n) {
    double *row = NULL, total = 0.0;
    CALL(mem_alloc((size_t)n, sizeof *row, &row));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            row[i] += c[(size_t)i * (size_t)n + (size_t)j];
    for (int i = 0; i < n; i++)
        total += row[i];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double *v = &c[(size_t)i * (size_t)n + (size_t)j];
            *v = *v > 0.0 ? fmax(0.0, log(*v * total / (row[i] * row[j]))) : 0.0;
        }
    free(row);
    return OK;
}

static err embed(encoder *m, const int32_t *id, int n, double *c) {
    int H = m->c.H, k = n < H ? n : H;
    double *values = NULL, *vectors = NULL, square = 0.0;
    err e;
    TRY(mem_alloc((size_t)k, sizeof *values, &values));
    TRY(mem_alloc((size_t)n * (size_t)k, sizeof *vectors, &vectors));
    TRY(eigen_top(c, n, k, values, vectors));
    for (int i = 0; i < n * k; i++) {
        vectors[i] *= sqrt(fmax(values[i % k], 0.0));
        square += vectors[i] * vectors[i];
    }
    double scale = square > 0.0 ? SCALE / sqrt(square / ((double)n * k)) : 0.0;
    for (int i = 0; i < n; i++)
        for (int h = 0; h < k; h++)
            m->p.word_emb[(size_t)id[i] * (size_t)H + (size_t)h] =
                (float)(scale * vectors[(size_t)i * (size_t)k + (size_t)h]);
done:
    free(values);
    free(vectors);
    return e;
}

err cooccurrence_start(encoder *m, const tokenizer *w, const examples *x) {
    int32_t *index = NULL, *id = NULL;
    double *c = NULL;
    int n;
    err e;
    TRY(mem_alloc((size_t)w->V, sizeof *index, &index));
    TRY(mem_alloc((size_t)w->V, sizeof *id, &id));
    TRY(choose_pieces(w, x, index, id, &n));
    ENSURE(n > 0, ERR_DATA, "the corpus has no known word: does the vocabulary fit it?");
    TRY(mem_alloc((size_t)n * (size_t)n, sizeof *c, &c));
    count_pairs(x, index, n, c);
    TRY(to_ppmi(c, n));
    TRY(embed(m, id, n, c));
done:
    free(index);
    free(id);
    free(c);
    return e;
}
