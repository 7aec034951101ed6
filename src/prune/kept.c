#include "prune/kept.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/factor.h"

#include <stdlib.h>
#include <string.h>

struct kept_fit {
    int d;
    double *a;     // (n, n) the system, n <= d
    double *x;     // (d)
    double *v;     // (d)
    int *in, *out; // (d) kept and removed indices
};

err kept_create(int d, kept_fit **out) {
    err e = OK;
    kept_fit *s = NULL;
    size_t n = (size_t)d;
    CALL(mem_alloc(1, sizeof *s, &s));
    s->d = d;
    TRY(mem_alloc(n * n, sizeof(double), &s->a));
    TRY(mem_alloc(n, sizeof(double), &s->x));
    TRY(mem_alloc(n, sizeof(double), &s->v));
    TRY(mem_alloc(n, sizeof(int), &s->in));
    TRY(mem_alloc(n, sizeof(int), &s->out));
done:
    if (e != OK)
        kept_destroy(&s);
    *out = s;
    return e;
}

void kept_destroy(kept_fit **s) {
    if (!*s)
        return;
    free((*s)->a);
    free((*s)->x);
    free((*s)->v);
    free((*s)->in);
    free((*s)->out);
    free(*s);
    *s = NULL;
}

/* the rows and columns of m (d, d) that are listed: a (n, n) lower */
static void take(double *a, const double *m, const int *list, int n, int d) {
    for (size_t i = 0; i < (size_t)n; i++) {
        const double *row = m + (size_t)list[i] * (size_t)d;
        for (size_t j = 0; j <= i; j++)
            a[i * (size_t)n + j] = row[list[j]];
    }
}

/* by the removed set: x = G_RR^-1 w0_R, w = w0 - G_:R x */
static err by_removed(kept_fit *s, double *w, const double *start, const double *inverse, int n,
                      double *loss) {
    size_t d = (size_t)s->d;
    for (int i = 0; i < n; i++)
        s->x[i] = start[s->out[i]];
    take(s->a, inverse, s->out, n, s->d);
    CALL(factor_solve(s->x, s->a, n, n));
    memcpy(w, start, d * sizeof *w);
    *loss = 0.0;
    for (int i = 0; i < n; i++) {
        const double *row = inverse + (size_t)s->out[i] * d;
        double x = s->x[i];
        *loss += x * start[s->out[i]];
        for (size_t j = 0; j < d; j++)
            w[j] -= x * row[j];
    }
    return OK;
}

/* by the kept set: w_K = w0_K + H_KK^-1 H_KR w0_R */
static err by_kept(kept_fit *s, double *w, const char *kept, const double *start,
                   const double *gram, int n, double *loss) {
    size_t d = (size_t)s->d;
    for (size_t j = 0; j < d; j++)
        s->v[j] = kept[j] ? 0.0 : start[j];
    for (int i = 0; i < n; i++)
        s->x[i] = dense_dot(gram + (size_t)s->in[i] * d, s->v, s->d);
    take(s->a, gram, s->in, n, s->d);
    CALL(factor_solve(s->x, s->a, n, n));
    for (int i = 0; i < n; i++)
        w[s->in[i]] = start[s->in[i]] + s->x[i];
    *loss = kept_loss(s, w, start, gram);
    return OK;
}

err kept_weights(kept_fit *s, double *w, const char *kept, const double *start, const double *gram,
                 const double *inverse, double *loss) {
    int in = 0, out = 0;
    double l = 0.0;
    for (int j = 0; j < s->d; j++)
        if (kept[j])
            s->in[in++] = j;
        else
            s->out[out++] = j;
    for (int i = 0; i < out; i++)
        w[s->out[i]] = 0.0;
    if (inverse && (!gram || out <= in))
        CALL(by_removed(s, w, start, inverse, out, &l));
    else
        CALL(by_kept(s, w, kept, start, gram, in, &l));
    for (int i = 0; i < out; i++)
        w[s->out[i]] = 0.0; /* exactly: rounding would leave 1e-17 */
    if (loss)
        *loss = l;
    return OK;
}

double kept_loss(kept_fit *s, const double *w, const double *start, const double *gram) {
    size_t d = (size_t)s->d;
    double sum = 0.0;
    for (size_t j = 0; j < d; j++)
        s->v[j] = w[j] - start[j];
    for (size_t i = 0; i < d; i++)
        if (s->v[i] != 0.0)
            sum += s->v[i] * dense_dot(gram + i * d, s->v, s->d);
    return sum;
}
