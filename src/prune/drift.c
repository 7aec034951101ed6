#include "prune/drift.h"

#include "base/arena.h"
#include "tensor/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* one model at work on one text at a time */
typedef struct eye {
    const encoder *m;
    encoder_ws *ws;
    packer *pack;
    batch b;
    float *q, *k;  // (longest, H)
    double *probs; // (A, longest, longest) of one layer
} eye;

static err eye_open(eye *y, const encoder *m, const examples *x) {
    size_t longest = 0;
    for (int i = 0; i < x->n; i++) {
        size_t S = (size_t)(x->offset[i + 1] - x->offset[i]);
        longest = S > longest ? S : longest;
    }
    *y = (eye){.m = m};
    CALL(encoder_ws_create(&m->c, &y->ws));
    CALL(packer_create(x, 1, &y->pack));
    CALL(mem_alloc(longest * (size_t)m->c.H, sizeof *y->q, &y->q));
    CALL(mem_alloc(longest * (size_t)m->c.H, sizeof *y->k, &y->k));
    return mem_alloc((size_t)m->c.A * longest * longest, sizeof *y->probs, &y->probs);
}

static void eye_close(eye *y) {
    encoder_ws_destroy(&y->ws);
    packer_destroy(&y->pack);
    free(y->q);
    free(y->k);
    free(y->probs);
}

/* hidden states of all layers for text `row` */
static err look(eye *y, int row) {
    const int32_t index = row;
    CALL(packer_pack(y->pack, &index, 1, &y->b));
    return encoder_forward(y->ws, y->m, &y->b, NULL, 1);
}

/* p (n) = softmax of the scores of one query q (D) with n keys, rows H apart */
static void attend(double *p, const float *q, const float *k, int n, int D, int H) {
    double top = -INFINITY, sum = 0.0;
    for (int j = 0; j < n; j++) {
        double score = 0.0;
        for (int i = 0; i < D; i++)
            score += (double)q[i] * (double)k[(size_t)j * (size_t)H + (size_t)i];
        p[j] = score / sqrt(D);
        top = p[j] > top ? p[j] : top;
    }
    for (int j = 0; j < n; j++)
        sum += p[j] = exp(p[j] - top);
    for (int j = 0; j < n; j++)
        p[j] /= sum;
}

/* y->probs (A, S, S) of block l */
static void look_at_attention(eye *y, int l) {
    const encoder_config *c = &y->m->c;
    const float *h = encoder_hidden(y->ws, l);
    int S = y->b.T, H = c->H, D = H / c->A;
    linear_view q = encoder_linear(y->m, l, LINEAR_QUERY), k = encoder_linear(y->m, l, LINEAR_KEY);
    linear_forward(y->q, h, q.w, q.b, S, H, H, FLOAT32);
    linear_forward(y->k, h, k.w, k.b, S, H, H, FLOAT32);
    for (int head = 0; head < c->A; head++)
        for (int t = 0; t < S; t++)
            attend(y->probs + ((size_t)head * (size_t)S + (size_t)t) * (size_t)S,
                   y->q + (size_t)t * (size_t)H + head * D, y->k + head * D, S, D, H);
}

/* mean over heads and tokens of half the sum of |p - p'| */
static double variation(const eye *a, const eye *b) {
    size_t S = (size_t)a->b.T, n = (size_t)a->m->c.A * S;
    double sum = 0.0;
    for (size_t i = 0; i < n * S; i++)
        sum += fabs(a->probs[i] - b->probs[i]);
    return 0.5 * sum / (double)n;
}

/* one text's [CLS] vectors of layer l */
static void add_distance(const eye *a, const eye *b, int l, drift_layer *out) {
    const float *h = encoder_hidden(a->ws, l), *g = encoder_hidden(b->ws, l);
    double hh = 0.0, gg = 0.0, hg = 0.0, dd = 0.0;
    for (int i = 0; i < a->m->c.H; i++) {
        double x = (double)h[i], y = (double)g[i];
        hh += x * x;
        gg += y * y;
        hg += x * y;
        dd += (x - y) * (x - y);
    }
    out->distance += sqrt(dd);
    out->relative += hh > 0.0 ? sqrt(dd / hh) : 0.0;
    out->cosine += hh > 0.0 && gg > 0.0 ? hg / sqrt(hh * gg) : 0.0;
}

static err measure(eye *a, eye *b, const examples *x, drift_layer *out) {
    int L = a->m->c.L;
    for (int row = 0; row < x->n; row++) {
        CALL(look(a, row));
        CALL(look(b, row));
        for (int l = 0; l <= L; l++)
            add_distance(a, b, l, &out[l]);
        for (int l = 0; l < L; l++) {
            look_at_attention(a, l);
            look_at_attention(b, l);
            out[l + 1].attention += variation(a, b);
        }
    }
    for (int l = 0; l <= L; l++) {
        out[l].distance /= x->n;
        out[l].relative /= x->n;
        out[l].cosine /= x->n;
        out[l].attention = l > 0 ? out[l].attention / x->n : (double)NAN;
    }
    return OK;
}

err drift_measure(const encoder *dense, const encoder *pruned, const examples *x,
                  drift_layer *out) {
    eye a = {0}, b = {0};
    CHECK(dense->c.L == pruned->c.L && dense->c.H == pruned->c.H && dense->c.A == pruned->c.A &&
              x->n > 0,
          ERR_FAILED, "two models of one shape and at least one text are compared");
    memset(out, 0, ((size_t)dense->c.L + 1) * sizeof *out);
    err e = eye_open(&a, dense, x);
    if (e == OK)
        e = eye_open(&b, pruned, x);
    if (e == OK)
        e = measure(&a, &b, x, out);
    eye_close(&a);
    eye_close(&b);
    return e;
}

err drift_map(const encoder *m, const examples *x, int row, double *map) {
    eye y;
    err e;
    TRY(eye_open(&y, m, x));
    TRY(look(&y, row));
    size_t S = (size_t)y.b.T;
    memset(map, 0, (size_t)m->c.L * S * S * sizeof *map);
    for (int l = 0; l < m->c.L; l++, map += S * S) {
        look_at_attention(&y, l);
        for (size_t i = 0; i < (size_t)m->c.A * S * S; i++)
            map[i % (S * S)] += y.probs[i] / m->c.A;
    }
done:
    eye_close(&y);
    return e;
}
