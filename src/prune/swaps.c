#include "prune/swaps.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/factor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* an exchange must lower the loss by more than rounding, as a share of it */
static const double LEAST_GAIN = 1e-10;

/* The table stands in an order of its own: first the smaller side at the start, then the other. */
struct swaps {
    int d;
    double *t;     // (d, d) T of swaps.h
    double *block; // (d, d) part of a matrix, while t is made
    double *z;     // (d) kept: weight; removed: its multiplier, ((H^-1)_RR^-1 w0)_p
    double *gain;  // (d) removed: what its return is worth; kept: -infinity
    double *rate;  // (d) removed: 1 / its own element of (H^-1)_RR^-1; kept: 0
    double *step;  // (d) removed: rate * z; kept: 0
    double *row;   // (d)
    int *index;    // (d) in the row of what stands there
    int *place;    // (d) of an index
};

err swaps_create(int d, swaps **out) {
    err e = OK;
    swaps *s = NULL;
    size_t n = (size_t)d;
    CALL(mem_alloc(1, sizeof *s, &s));
    s->d = d;
    TRY(mem_alloc(n * n, sizeof(double), &s->t));
    TRY(mem_alloc(n * n, sizeof(double), &s->block));
    TRY(mem_alloc(n, sizeof(double), &s->z));
    TRY(mem_alloc(n, sizeof(double), &s->gain));
    TRY(mem_alloc(n, sizeof(double), &s->rate));
    TRY(mem_alloc(n, sizeof(double), &s->step));
    TRY(mem_alloc(n, sizeof(double), &s->row));
    TRY(mem_alloc(n, sizeof(int), &s->index));
    TRY(mem_alloc(n, sizeof(int), &s->place));
done:
    if (e != OK)
        swaps_destroy(&s);
    *out = s;
    return e;
}

void swaps_destroy(swaps **s) {
    if (!*s)
        return;
    free((*s)->t);
    free((*s)->block);
    free((*s)->z);
    free((*s)->gain);
    free((*s)->rate);
    free((*s)->step);
    free((*s)->row);
    free((*s)->index);
    free((*s)->place);
    free(*s);
    *s = NULL;
}

/* kept u for removed p, and by how much the loss changes */
typedef struct exchange {
    int u, p;
    double change;
} exchange;

/* the removed weights that u may be exchanged for: of its group, or all: from *from up to *to */
static void partners(const swaps *s, pattern p, int u, int *from, int *to) {
    *from = p.of > 0 ? u / p.of * p.of : 0;
    *to = p.of > 0 ? *from + p.of : s->d;
}

/* the lowest of x (n), and where it first stands */
static double first_lowest(const double *x, int n, int *where) {
    double least[8];
    int i = 0;
    for (int k = 0; k < 8; k++)
        least[k] = INFINITY;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            least[k] = x[i + k] < least[k] ? x[i + k] : least[k];
    for (; i < n; i++)
        least[0] = x[i] < least[0] ? x[i] : least[0];
    for (int k = 1; k < 8; k++)
        least[0] = least[k] < least[0] ? least[k] : least[0];
    for (i = 0; i < n && x[i] != least[0]; i++)
        ;
    *where = i;
    return least[0];
}

/* ---- weights as they are ---- */

/* the change for u and every p: row (n) */
static exchange best_masked(swaps *s, const char *kept, const double *start, const double *gram,
                            pattern q) {
    size_t d = (size_t)s->d;
    exchange best = {.change = INFINITY};
    for (int p = 0; p < s->d; p++) /* z is c = H e */
        s->gain[p] =
            kept[p] ? INFINITY : start[p] * (start[p] * gram[(size_t)p * (d + 1)] - 2.0 * s->z[p]);
    for (int u = 0; u < s->d; u++) {
        int from, to, at;
        if (!kept[u])
            continue;
        partners(s, q, u, &from, &to);
        const double *restrict h = gram + (size_t)u * d, *restrict gain = s->gain;
        double *restrict row = s->row, twice = 2.0 * start[u];
        for (int p = from; p < to; p++)
            row[p] = gain[p] - twice * start[p] * h[p];
        double own = start[u] * (start[u] * h[u] + 2.0 * s->z[u]);
        double change = own + first_lowest(row + from, to - from, &at);
        if (change < best.change)
            best = (exchange){u, from + at, change};
    }
    return best;
}

void swaps_masked(swaps *s, char *kept, const double *start, const double *gram, pattern p,
                  int budget, swaps_report *report) {
    size_t d = (size_t)s->d;
    *report = (swaps_report){0};
    for (size_t i = 0; i < d; i++)
        s->row[i] = kept[i] ? 0.0 : start[i];
    dense_times(s->z, gram, s->row, s->d);
    report->before = dense_dot(s->row, s->z, s->d);
    report->after = report->before;
    for (;;) {
        exchange x = best_masked(s, kept, start, gram, p);
        report->optimal = !(x.change < -LEAST_GAIN * report->after);
        if (report->optimal || report->made == budget)
            return;
        const double *out = gram + (size_t)x.u * d, *in = gram + (size_t)x.p * d;
        for (size_t i = 0; i < d; i++)
            s->z[i] += start[x.u] * out[i] - start[x.p] * in[i];
        kept[x.u] = 0;
        kept[x.p] = 1;
        report->after += x.change;
        report->made++;
    }
}

/* ---- weights by least squares ---- */

/* to (a, b), rows d apart: the elements of m (d, d) in the listed rows and columns */
static void take(double *to, int ld, const double *m, const int *rows, int a, const int *cols,
                 int b, int d) {
    for (int i = 0; i < a; i++)
        for (int k = 0; k < b; k++)
            to[(size_t)i * (size_t)ld + (size_t)k] =
                m[(size_t)rows[i] * (size_t)d + (size_t)cols[k]];
}

/* t from the smaller side P, Q the other: of M = H^-1 for removed P, of M = H for kept P: with B =
 * M_PP^-1 and C = B M_PQ its parts are, up to their signs, B, C and M_QQ - C^T M_PQ */
static err make_table(swaps *s, const char *kept, const double *gram, const double *inverse) {
    int in = 0, d = s->d;
    for (int i = 0; i < d; i++)
        in += kept[i] != 0;
    int by_kept = 2 * in < d, n = by_kept ? in : d - in, m = d - n, a = 0, b = n;
    const double *from = by_kept ? gram : inverse, sign = by_kept ? -1.0 : 1.0;
    for (int i = 0; i < d; i++) {
        int at = (kept[i] != 0) == by_kept ? a++ : b++;
        s->index[at] = i;
        s->place[i] = at;
    }
    const int *P = s->index, *Q = P + n;
    double *pq = s->t + n, *qp = s->t + (size_t)n * (size_t)d, *qq = qp + n;
    take(s->t, d, from, P, n, P, n, d);
    take(qq, d, from, Q, m, Q, m, d);
    take(s->block, m, from, P, n, Q, m, d);
    CALL(factor_inverse(s->t, d, n));
    if (n > 0 && m > 0) {
        dense_multiply_add(pq, d, s->t, d, s->block, m, n, m, n, 0.0);
        for (size_t i = 0; i < (size_t)n; i++)
            for (size_t k = 0; k < (size_t)m; k++) {
                qp[k * (size_t)d + i] = pq[i * (size_t)d + k];
                s->block[i * (size_t)m + k] *= -1.0;
            }
        dense_multiply_add(qq, d, qp, d, s->block, m, m, m, n, 1.0);
    }
    for (int i = 0; i < d; i++)
        for (int k = 0; k < d; k++)
            s->t[(size_t)i * (size_t)d + (size_t)k] *= i < n && k < n ? -sign : sign;
    return OK;
}

/* weights of the kept and multipliers of the removed: z_K = w0_K - T_KR w0_R, z_R = -T_RR w0_R */
static double make_vector(swaps *s, const char *kept, const double *start) {
    double loss = 0.0;
    for (int i = 0; i < s->d; i++)
        s->row[i] = kept[s->index[i]] ? 0.0 : start[s->index[i]];
    dense_times(s->z, s->t, s->row, s->d);
    for (int i = 0; i < s->d; i++) {
        s->z[i] = (kept[s->index[i]] ? start[s->index[i]] : 0.0) - s->z[i];
        loss += s->row[i] * s->z[i];
    }
    return loss;
}

/* the weight at q changes sides */
static void sweep(swaps *s, int q) {
    size_t d = (size_t)s->d;
    const double *restrict pivot = s->t + (size_t)q * d;
    const double by = pivot[q], size = fabs(by), z = s->z[q];
    for (size_t i = 0; i < d; i++) {
        double *restrict row = s->t + i * d;
        double f = row[q] / by;
        if (i == (size_t)q)
            continue;
        for (size_t k = 0; k < d; k++)
            row[k] -= f * pivot[k];
        row[q] = f * by / size;
        s->z[i] -= f * z;
    }
    double *own = s->t + (size_t)q * d;
    for (size_t k = 0; k < d; k++)
        own[k] /= size;
    own[q] = -1.0 / by;
    s->z[q] = z / size;
}

/* the change for the kept weight at u and the removed one at p */
static double change_of(const swaps *s, double v, double own, double z, int p) {
    double w = z + v * s->step[p];
    return w * w / (own + v * v * s->rate[p]) - s->gain[p];
}

/* u with all that it may be exchanged for */
static exchange best_for(swaps *s, int u, pattern q) {
    const double *restrict t = s->t + (size_t)u * (size_t)s->d;
    const double own = t[u], z = s->z[u];
    exchange best = {.u = u, .change = INFINITY};
    if (q.of == 0) {
        double *restrict row = s->row;
        for (int p = 0; p < s->d; p++)
            row[p] = change_of(s, t[p], own, z, p);
        best.change = first_lowest(row, s->d, &best.p);
        return best;
    }
    int first = s->index[u] / q.of * q.of;
    for (int i = first; i < first + q.of; i++) {
        double change = change_of(s, t[s->place[i]], own, z, s->place[i]);
        if (change < best.change) {
            best.change = change;
            best.p = s->place[i];
        }
    }
    return best;
}

static exchange best_refitted(swaps *s, const char *kept, pattern q) {
    exchange best = {.change = INFINITY};
    for (int p = 0; p < s->d; p++) {
        int in = kept[s->index[p]];
        double a = -s->t[(size_t)p * (size_t)(s->d + 1)];
        s->rate[p] = in ? 0.0 : 1.0 / a;
        s->step[p] = in ? 0.0 : s->z[p] / a;
        s->gain[p] = in ? -INFINITY : s->z[p] * s->z[p] / a;
    }
    for (int u = 0; u < s->d; u++) {
        if (!kept[s->index[u]])
            continue;
        exchange x = best_for(s, u, q);
        if (x.change < best.change)
            best = x;
    }
    return best;
}

err swaps_refitted(swaps *s, char *kept, const double *start, const double *gram,
                   const double *inverse, pattern p, int budget, swaps_report *report) {
    *report = (swaps_report){0};
    CALL(make_table(s, kept, gram, inverse));
    report->before = report->after = make_vector(s, kept, start);
    for (;;) {
        exchange x = best_refitted(s, kept, p);
        report->optimal = !(x.change < -LEAST_GAIN * report->after);
        if (report->optimal || report->made == budget)
            return OK;
        sweep(s, x.p);
        sweep(s, x.u);
        kept[s->index[x.u]] = 0;
        kept[s->index[x.p]] = 1;
        report->after += x.change;
        report->made++;
    }
}
