#include "model/thin.h"

#include "base/arena.h"
#include "tensor/sparse.h"

#include <stdlib.h>

struct encoder_thinned {
    int layers;
    size_t scratch;       /* floats that the largest part wants */
    sparse_weight **part; // (layers, THIN_PARTS), NULL: not thin
};

void thin_destroy(encoder_thinned **tt) {
    encoder_thinned *t = *tt;
    if (!t)
        return;
    for (int i = 0; t->part && i < t->layers * THIN_PARTS; i++)
        sparse_destroy(&t->part[i]);
    free(t->part);
    free(t);
    *tt = NULL;
}

static int is_thin(const float *w, int out, int in) {
    return sparse_is_faster(w, (size_t)out * (size_t)in);
}

static err add_part(encoder_thinned *t, int l, thin_part part, const float *w, int out, int in) {
    sparse_weight **s = &t->part[l * THIN_PARTS + (int)part];
    CALL(sparse_create(w, out, in, s));
    size_t scratch = sparse_scratch(*s);
    t->scratch = scratch > t->scratch ? scratch : t->scratch;
    return OK;
}

static err add_layer(encoder_thinned *t, const encoder *m, int l) {
    const size_t at = (size_t)l * m->p.layer_stride;
    const int H = m->c.H, F = m->c.F;
    const float *query = m->p.query_w + at, *att = m->p.att_w + at;
    const float *inter = m->p.inter_w + at, *out = m->p.out_w + at;
    if (is_thin(query, 3 * H, H)) { /* keys and values stand behind the queries */
        CALL(add_part(t, l, THIN_QUERY, query, H, H));
        CALL(add_part(t, l, THIN_KEY_VALUE, query + (size_t)H * (size_t)H, 2 * H, H));
    }
    if (is_thin(att, H, H))
        CALL(add_part(t, l, THIN_ATT, att, H, H));
    if (is_thin(inter, F, H))
        CALL(add_part(t, l, THIN_INTER, inter, F, H));
    if (is_thin(out, H, F))
        CALL(add_part(t, l, THIN_OUT, out, H, F));
    return OK;
}

err encoder_thin(encoder *m) {
    encoder_thinned *t = NULL;
    err e;
    thin_destroy(&m->thin);
    if (m->c.p != FLOAT32)
        return OK;
    TRY(mem_alloc(1, sizeof *t, &t));
    t->layers = m->c.L;
    TRY(mem_alloc((size_t)(m->c.L * THIN_PARTS), sizeof *t->part, &t->part));
    for (int l = 0; l < m->c.L; l++)
        TRY(add_layer(t, m, l));
    if (t->scratch > 0) {
        m->thin = t;
        t = NULL;
    }
done:
    thin_destroy(&t);
    return e;
}

err thin_reserve(encoder_ws *ws, const encoder *m) {
    return m->thin ? mem_grow(m->thin->scratch, sizeof *ws->thin, &ws->thin, &ws->cap_thin) : OK;
}

int thin_linear(encoder_ws *ws, const encoder *m, int l, thin_part part, float *y, int ld,
                const float *x, const float *b, int T) {
    if (!m->thin || ws->mode == WS_TRAIN || ws->c.p != FLOAT32)
        return 0;
    const sparse_weight *s = m->thin->part[l * THIN_PARTS + (int)part];
    if (s)
        sparse_linear(y, ld, x, s, b, T, ws->thin);
    return s != NULL;
}

int thin_qkv(encoder_ws *ws, const encoder *m, int l, float *qkv, const float *h, int T) {
    const float *b = m->p.query_b + (size_t)l * m->p.layer_stride;
    const int H = m->c.H;
    return thin_linear(ws, m, l, THIN_QUERY, qkv, 3 * H, h, b, T) &&
           thin_linear(ws, m, l, THIN_KEY_VALUE, qkv + H, 3 * H, h, b + H, T);
}
