#include "model/encoder_reference.h"

#include "base/arena.h"
#include "model/dropout.h"
#include "tensor/reference.h"

#include <stdlib.h>
#include <string.h>

/* what every step needs */
typedef struct reference {
    const encoder *m;
    const double *block;
    const batch *b;
    const dropout *drop;
    float *mask; // (P, max(H, P))
} reference;

/* the float64 twin of a parameter view, layer l */
#define PARAM(field, l)                                                                            \
    (r->block + (r->m->p.field - r->m->block) + (size_t)(l)*r->m->p.layer_stride)

static int32_t example(const reference *r, int s) {
    return r->b->example ? r->b->example[s] : s;
}

/* x (T, H) times the mask of a site */
static void drop_hidden(const reference *r, double *x, dropout_site site, int l) {
    int H = r->m->c.H;
    if (!r->drop || r->drop->hidden <= 0.0f)
        return;
    for (int s = 0; s < r->b->B; s++) {
        int first = r->b->offsets[s], S = r->b->offsets[s + 1] - first;
        dropout_mask(r->mask, r->drop, site, l, 0, example(r, s), r->drop->hidden, S, H);
        for (int i = 0; i < S * H; i++)
            x[first * H + i] *= (double)r->mask[i];
    }
}

static void attention(const reference *r, double *context, const double *qkv, int l) {
    int H = r->m->c.H, D = H / r->m->c.A;
    int dropped = r->drop && r->drop->attention > 0.0f;
    for (int s = 0; s < r->b->B; s++)
        for (int head = 0; head < r->m->c.A; head++) {
            int first = r->b->offsets[s], S = r->b->offsets[s + 1] - first;
            const double *q = qkv + first * 3 * H + head * D;
            if (dropped)
                dropout_mask(r->mask, r->drop, DROPOUT_PROBS, l, head, example(r, s),
                             r->drop->attention, S, S);
            reference_attention(context + first * H + head * D, H, q, q + H, q + 2 * H, 3 * H,
                                dropped ? r->mask : NULL, S, D);
        }
}

/* h = norm(h + drop(x)) */
static void add_norm(const reference *r, double *h, double *x, dropout_site site, int l,
                     const double *w, const double *b) {
    int T = r->b->T, H = r->m->c.H;
    if (site != DROPOUT_ATT || encoder_family_in(&r->m->c)->drops_attention)
        drop_hidden(r, x, site, l);
    for (int i = 0; i < T * H; i++)
        h[i] += x[i];
    reference_norm(h, h, w, b, (double)r->m->c.norm_eps, T, H);
}

static err layer(const reference *r, double *h, int l) {
    int T = r->b->T, H = r->m->c.H, F = r->m->c.F;
    double *x = NULL, *wide = NULL;
    err e;
    TRY(mem_alloc((size_t)T * (size_t)H, sizeof *x, &x));
    TRY(mem_alloc((size_t)T * (size_t)(F > 3 * H ? F : 3 * H), sizeof *wide, &wide));
    reference_linear(wide, h, PARAM(query_w, l), PARAM(query_b, l), T, 3 * H, H);
    attention(r, x, wide, l);
    reference_linear(wide, x, PARAM(att_w, l), PARAM(att_b, l), T, H, H);
    add_norm(r, h, wide, DROPOUT_ATT, l, PARAM(att_norm_w, l), PARAM(att_norm_b, l));
    reference_linear(wide, h, PARAM(inter_w, l), PARAM(inter_b, l), T, F, H);
    for (int i = 0; i < T * F; i++)
        wide[i] = reference_gelu(wide[i]);
    reference_linear(x, wide, PARAM(out_w, l), PARAM(out_b, l), T, H, F);
    add_norm(r, h, x, DROPOUT_OUT, l, PARAM(out_norm_w, l), PARAM(out_norm_b, l));
done:
    free(x);
    free(wide);
    return e;
}

static err begin(reference *r, const encoder *m, const double *block, const batch *b,
                 const dropout *drop) {
    size_t wide = (size_t)(m->c.H > m->c.P ? m->c.H : m->c.P);
    *r = (reference){.m = m, .block = block, .b = b, .drop = drop};
    return mem_alloc((size_t)m->c.P * wide, sizeof *r->mask, &r->mask);
}

static err forward(const reference *r, double *h) {
    const encoder_config *c = &r->m->c;
    reference_embedding(h, r->b, PARAM(word_emb, 0), PARAM(pos_emb, 0) + c->first_position * c->H,
                        c->Y > 0 ? PARAM(type_emb, 0) : NULL, c->H);
    for (int i = 0; r->b->delta && i < r->b->T * r->m->c.H; i++)
        h[i] += (double)r->b->delta[i];
    reference_norm(h, h, PARAM(emb_norm_w, 0), PARAM(emb_norm_b, 0), (double)c->norm_eps, r->b->T,
                   c->H);
    drop_hidden(r, h, DROPOUT_EMBEDDING, 0);
    for (int l = 0; l < c->L; l++)
        CALL(layer(r, h, l));
    return OK;
}

err encoder_reference_forward(double *h, const encoder *m, const double *block, const batch *b,
                              const dropout *drop) {
    reference r;
    CALL(begin(&r, m, block, b, drop));
    err e = forward(&r, h);
    free(r.mask);
    return e;
}

/* x (H) of sequence s times the mask of one of the classifier's sites */
static void drop_row(const reference *r, double *x, dropout_site site, int s) {
    int H = r->m->c.H;
    if (!r->drop || r->drop->hidden <= 0.0f)
        return;
    dropout_mask(r->mask, r->drop, site, 0, 0, example(r, s), r->drop->hidden, 1, H);
    for (int j = 0; j < H; j++)
        x[j] *= (double)r->mask[j];
}

static err classify(const reference *r, double *logits) {
    const encoder_family *f = encoder_family_in(&r->m->c);
    int B = r->b->B, H = r->m->c.H, K = r->m->c.K;
    double *h = NULL, *pooled = NULL;
    err e;
    TRY(mem_alloc((size_t)r->b->T * (size_t)H, sizeof *h, &h));
    TRY(mem_alloc((size_t)H, sizeof *pooled, &pooled));
    TRY(forward(r, h));
    for (int s = 0; s < B; s++) {
        double *first = h + r->b->offsets[s] * H;
        if (f->drops_first)
            drop_row(r, first, DROPOUT_FIRST, s);
        reference_linear(pooled, first, PARAM(pool_w, 0), PARAM(pool_b, 0), 1, H, H);
        for (int j = 0; j < H; j++)
            pooled[j] = encoder_family_pool(f, pooled[j]);
        drop_row(r, pooled, DROPOUT_POOLED, s);
        reference_linear(logits + s * K, pooled, PARAM(class_w, 0), PARAM(class_b, 0), 1, K, H);
    }
done:
    free(h);
    free(pooled);
    return e;
}

err encoder_reference_classify(double *logits, const encoder *m, const double *block,
                               const batch *b, const dropout *drop) {
    reference r;
    CALL(begin(&r, m, block, b, drop));
    err e = classify(&r, logits);
    free(r.mask);
    return e;
}

/* (1 - s) times the loss of the labels + s times the mean loss over all classes */
static err smoothed(double *loss, const double *logits, const batch *b, int K) {
    int32_t *class;
    double s = (double)b->smoothing, even = 0.0;
    CALL(mem_alloc((size_t)b->B, sizeof *class, &class));
    for (int k = 0; k < K; k++) {
        for (int i = 0; i < b->B; i++)
            class[i] = k;
        even += reference_cross_entropy(logits, class, b->B, K) / K;
    }
    free(class);
    *loss = ((1.0 - s) * reference_cross_entropy(logits, b->labels, b->B, K) + s * even) / b->B;
    return OK;
}

err encoder_reference_classify_loss(double *loss, const encoder *m, const double *block,
                                    const batch *b, const dropout *drop) {
    double *logits;
    CALL(mem_alloc((size_t)b->B * (size_t)m->c.K, sizeof *logits, &logits));
    err e = encoder_reference_classify(logits, m, block, b, drop);
    if (e == OK)
        e = smoothed(loss, logits, b, m->c.K);
    free(logits);
    return e;
}

static double mlm_position(const reference *r, const double *h, int32_t target, double *x,
                           double *scores) {
    const encoder_config *c = &r->m->c;
    reference_linear(x, h, PARAM(mlm_w, 0), PARAM(mlm_b, 0), 1, c->H, c->H);
    for (int j = 0; j < c->H; j++)
        x[j] = reference_gelu(x[j]);
    reference_norm(x, x, PARAM(mlm_norm_w, 0), PARAM(mlm_norm_b, 0), (double)c->norm_eps, 1, c->H);
    reference_linear(scores, x, PARAM(word_emb, 0), PARAM(mlm_bias, 0), 1, c->V, c->H);
    return reference_cross_entropy(scores, &target, 1, c->V);
}

err encoder_reference_mlm_loss(double *loss, const encoder *m, const double *block, const batch *b,
                               const int32_t *positions, const int32_t *targets, int M,
                               const dropout *drop) {
    reference r;
    double *h = NULL, *x = NULL, *scores = NULL;
    CALL(begin(&r, m, block, b, drop));
    err e;
    TRY(mem_alloc((size_t)b->T * (size_t)m->c.H, sizeof *h, &h));
    TRY(mem_alloc((size_t)m->c.H, sizeof *x, &x));
    TRY(mem_alloc((size_t)m->c.V, sizeof *scores, &scores));
    TRY(forward(&r, h));
    *loss = 0.0;
    for (int i = 0; i < M; i++)
        *loss += mlm_position(&r, h + positions[i] * m->c.H, targets[i], x, scores) / M;
done:
    free(r.mask);
    free(h);
    free(x);
    free(scores);
    return e;
}
