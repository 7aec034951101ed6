#include "attack/similarity.h"

#include "attack/texts.h"
#include "base/arena.h"
#include "text/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct similarity {
    const encoder *m;
    encoder_ws *ws;
    texts *t;
    const neighbours *vectors;
    arena *scratch;
    double *v; /* (cap, d) text first, then the others */
    int cap, d;
};

err similarity_open_encoder(const encoder *m, const tokenizer *w, int max_length,
                            similarity **out) {
    similarity *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    s->m = m;
    s->d = m->c.H;
    TRY(encoder_ws_create(&m->c, &s->ws));
    TRY(texts_create(w, max_length < m->c.P ? max_length : m->c.P, &s->t));
    *out = s;
    s = NULL;
done:
    similarity_close(&s);
    return e;
}

err similarity_open_vectors(const neighbours *vectors, similarity **out) {
    similarity *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    s->vectors = vectors;
    (void)neighbours_vector(vectors, "", &s->d);
    TRY(arena_create(1 << 12, &s->scratch));
    *out = s;
    s = NULL;
done:
    similarity_close(&s);
    return e;
}

void similarity_close(similarity **s) {
    if (!*s)
        return;
    encoder_ws_destroy(&(*s)->ws);
    texts_destroy(&(*s)->t);
    arena_destroy(&(*s)->scratch);
    free((*s)->v);
    free(*s);
    *s = NULL;
}

static err mean_vector(similarity *s, const char *text, double *v) {
    arena_mark mark = arena_here(s->scratch);
    wording w;
    int n = 0, d;
    CALL(words_split(s->scratch, text, &w));
    memset(v, 0, (size_t)s->d * sizeof *v);
    for (int i = 0; i < w.n; i++) {
        const char *lower;
        CALL(words_lower(s->scratch, w.word[i], &lower));
        const float *x = neighbours_vector(s->vectors, lower, &d);
        for (int k = 0; x && k < d; k++)
            v[k] += (double)x[k];
        n += x != NULL;
    }
    for (int k = 0; n > 0 && k < s->d; k++)
        v[k] /= n;
    arena_release(s->scratch, mark);
    return OK;
}

static err embed(similarity *s, const char *text, const char *const *others, int n) {
    if (s->vectors) {
        CALL(mean_vector(s, text, s->v));
        for (int i = 0; i < n; i++)
            CALL(mean_vector(s, others[i], s->v + (size_t)(i + 1) * (size_t)s->d));
        return OK;
    }
    texts_clear(s->t);
    CALL(texts_add(s->t, text));
    for (int i = 0; i < n; i++)
        CALL(texts_add(s->t, others[i]));
    return texts_embed(s->t, s->ws, s->m, s->v);
}

static double angular(const double *a, const double *b, int d) {
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int k = 0; k < d; k++) {
        ab += a[k] * b[k];
        aa += a[k] * a[k];
        bb += b[k] * b[k];
    }
    if (aa == 0.0 || bb == 0.0)
        return 0.0;
    double cosine = ab / sqrt(aa * bb);
    return 1.0 - acos(fmax(-1.0, fmin(1.0, cosine))) / 3.14159265358979323846;
}

err similarity_score(similarity *s, const char *text, const char *const *others, int n,
                     double *score) {
    if (n + 1 > s->cap) {
        free(s->v);
        s->v = NULL;
        s->cap = 0;
        CALL(mem_alloc((size_t)(n + 1) * 2, (size_t)s->d * sizeof *s->v, &s->v));
        s->cap = (n + 1) * 2;
    }
    CALL(embed(s, text, others, n));
    for (int i = 0; i < n; i++)
        score[i] = angular(s->v, s->v + (size_t)(i + 1) * (size_t)s->d, s->d);
    return OK;
}
