#include "prune/refit.h"

#include "base/arena.h"
#include "linalg/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Normal equations of the inputs alone: c (d, d) and mean (d); returns H's mean diagonal. */
static double normal_equations(double *c, double *mean, const hessian *h, int bias) {
    size_t d = (size_t)h->d, w = d + 1;
    double n = h->xx[d * w + d], diagonal = 0.0;
    for (size_t i = 0; i < d; i++)
        mean[i] = bias ? h->xx[d * w + i] / n : 0.0;
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < d; k++)
            c[i * d + k] = h->xx[i * w + k] / n - mean[i] * mean[k];
        diagonal += h->xx[i * w + i] / n / (double)d;
        if (h->xx[i * w + i] == 0.0)
            c[i * d + i] = 1.0; /* dead: its row and column are 0, so its weight comes out as 0 */
    }
    return diagonal;
}

/* start (m, d) = covariance of outputs and inputs, minus what the dense weight explains */
static err right_hand_side(double *start, const refit_job *j, const double *c, const double *mean) {
    const hessian *h = j->own;
    size_t d = (size_t)h->d, w = d + 1, m = (size_t)h->m;
    double n = h->xx[d * w + d], *explained = NULL;
    if (j->target == TARGET_NEAR_DENSE) {
        CALL(mem_alloc(m * d, sizeof *explained, &explained));
        dense_linear(explained, j->dense, h->d, c, h->m, h->d, h->d); /* c is symmetric */
    }
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < d; i++)
            start[r * d + i] = h->yx[r * w + i] / n - h->yx[r * w + d] / n * mean[i] -
                               (explained ? explained[r * d + i] : 0.0);
    free(explained);
    return OK;
}

/* Factor c: with the inverse into the node's block, by all ranks of p together or, where p is a
 * rank of that node alone, by that one. */
static err factor(const par *p, const refit_job *j, refit *out, int inverse, double *x, int m,
                  const double *c, double ridge) {
    if (inverse && p->size > 1)
        return linalg_spd_shared(p, out->node, x, m, c, out->d, ridge, j->factorisation,
                                 &out->report);
    return linalg_spd(p, inverse ? out->node->block : NULL, x, m, c, out->d, ridge,
                      j->factorisation, &out->report);
}

/* The adaptive weight and its bias from own; the inverse on the way when it is that of own too. */
static err solve_target(const par *p, const refit_job *j, refit *out, double *c, double *mean) {
    size_t d = (size_t)out->d, w = d + 1, m = (size_t)out->m;
    double n = j->own->xx[d * w + d];
    double diagonal = normal_equations(c, mean, j->own, j->bias);
    CALL(par_agree(p, right_hand_side(out->start, j, c, mean)));
    double ridge = j->damping * diagonal;
    CALL(factor(p, j, out, out->node && j->obs == j->own, out->start, out->m, c, ridge));
    out->damping = diagonal > 0.0 ? out->report.ridge / diagonal : 0.0;
    for (size_t r = 0; r < m; r++) {
        double *row = out->start + r * d;
        if (j->target == TARGET_NEAR_DENSE)
            for (size_t i = 0; i < d; i++)
                row[i] += j->dense[r * d + i];
        out->shift[r] = j->bias ? j->own->yx[r * w + d] / n - dense_dot(row, mean, out->d) : 0.0;
    }
    return OK;
}

static err solve_inverse(const par *p, const refit_job *j, refit *out, double *c) {
    double diagonal = normal_equations(c, out->mean, j->obs, j->bias);
    CALL(factor(p, j, out, 1, NULL, 0, c, j->damping * diagonal));
    out->damping = diagonal > 0.0 ? out->report.ridge / diagonal : 0.0;
    return OK;
}

/* all that is not allocated by begin. Collective over p. */
static err fit(const par *p, const refit_job *j, refit *out) {
    err e;
    double *c = NULL, *mean = NULL;
    size_t d = (size_t)out->d, m = (size_t)out->m;
    e = mem_alloc(d * d, sizeof *c, &c);
    if (e == OK)
        e = mem_alloc(d, sizeof *mean, &mean);
    TRY(par_agree(p, e));
    if (j->target == TARGET_DENSE)
        memcpy(out->start, j->dense, m * d * sizeof *out->start);
    else
        TRY(solve_target(p, j, out, c, mean));
    if (j->obs == j->own && j->target != TARGET_DENSE)
        memcpy(out->mean, mean, d * sizeof *mean);
    else if (j->inverse)
        TRY(solve_inverse(p, j, out, c));
    else if (j->bias)
        normal_equations(c, out->mean, j->obs, j->bias);
    for (size_t i = 0; i < d; i++)
        if (j->obs->xx[i * (d + 1) + i] == 0.0)
            for (size_t r = 0; r < m; r++)
                out->start[r * d + i] = 0.0;
done:
    free(c);
    free(mean);
    return e;
}

/* 1 if one rank can do all of it: a factorisation that is local, into the node's block */
static int by_one(const refit_job *j) {
    return j->inverse && linalg_is_local(j->factorisation, j->own->d);
}

err refit_begin(const par *p, const refit_job *j, int turn, refit *out) {
    size_t d = (size_t)j->own->d, m = (size_t)j->own->m;
    *out = (refit){.d = j->own->d,
                   .m = j->own->m,
                   .report = {.factorisation = "none", .condition = NAN, .residual = NAN},
                   .owner = -1};
    err e = mem_alloc(m * d, sizeof *out->start, &out->start);
    if (e == OK)
        e = mem_alloc(m, sizeof *out->shift, &out->shift);
    if (e == OK)
        e = mem_alloc(d, sizeof *out->mean, &out->mean);
    CALL(par_agree(p, e));
    if (j->inverse) {
        CALL(shared_create(p, d * d * sizeof *out->inverse, &out->node));
        out->inverse = out->node->block;
    }
    if (by_one(j))
        out->owner = turn % out->node->node->size;
    return OK;
}

err refit_alone(const refit_job *j, refit *out) {
    const par alone = par_alone();
    refit_job one = *j;
    one.factorisation = "local";
    return out->owner >= 0 && out->owner == out->node->node->rank ? fit(&alone, &one, out) : OK;
}

/* what the owner came to, to the other ranks of its node */
static err hand_out(refit *r) {
    const par *node = r->node->node;
    size_t d = (size_t)r->d, m = (size_t)r->m;
    CALL(shared_sync(r->node));
    CALL(par_bcast(node, r->start, m * d * sizeof *r->start, r->owner));
    CALL(par_bcast(node, r->shift, m * sizeof *r->shift, r->owner));
    CALL(par_bcast(node, r->mean, d * sizeof *r->mean, r->owner));
    CALL(par_bcast(node, &r->damping, sizeof r->damping, r->owner));
    return par_bcast(node, &r->report, sizeof r->report, r->owner);
}

err refit_finish(const par *p, const refit_job *j, refit *out) {
    return out->owner >= 0 ? hand_out(out) : fit(p, j, out);
}

err refit_make_all(const par *p, const refit_job *j, int n, refit *out) {
    err e, mine = OK;
    memset(out, 0, (size_t)n * sizeof *out);
    for (int i = 0, turn = 0; i < n; i++)
        TRY(refit_begin(p, &j[i], by_one(&j[i]) ? turn++ : 0, &out[i]));
    for (int i = 0; i < n && mine == OK; i++)
        mine = refit_alone(&j[i], &out[i]);
    TRY(par_agree(p, mine));
    for (int i = 0; i < n; i++)
        TRY(refit_finish(p, &j[i], &out[i]));
done:
    for (int i = 0; i < n && e != OK; i++)
        refit_free(&out[i]);
    return e;
}

err refit_make(const par *p, const refit_job *j, refit *out) {
    return refit_make_all(p, j, 1, out);
}

void refit_free(refit *r) {
    free(r->start);
    free(r->shift);
    free(r->mean);
    shared_destroy(&r->node);
    *r = (refit){0};
}

double refit_bias(const refit *r, int row, const double *w) {
    const double *start = r->start + (size_t)row * (size_t)r->d;
    double shift = r->shift[row];
    for (int i = 0; i < r->d; i++)
        shift += (start[i] - w[i]) * r->mean[i];
    return shift;
}

/* rows of a block: always the same product, whoever has which of its rows */
enum { ERROR_ROWS = 32 };

/* rows from to end of h that lie in block `at`: v, product (ERROR_ROWS, d + 1) */
static void block_errors(const hessian *h, int at, int from, int end, const double *w,
                         const double *shift, double *v, double *product, double *error) {
    size_t n = (size_t)h->d + 1;
    memset(v, 0, ERROR_ROWS * n * sizeof *v);
    for (int r = from; r < end; r++, w += h->d) {
        double *row = v + (size_t)(r - at) * n;
        memcpy(row, w, (size_t)h->d * sizeof *row);
        row[h->d] = *shift++;
    }
    dense_product(product, v, h->xx, ERROR_ROWS, (int)n, (int)n);
    for (int r = from; r < end; r++) {
        const double *row = v + (size_t)(r - at) * n;
        double e = h->yy[r] - 2.0 * dense_dot(row, h->yx + (size_t)r * n, (int)n) +
                   dense_dot(row, product + (size_t)(r - at) * n, (int)n);
        *error++ = e > 0.0 ? e : 0.0; /* a perfect fit cancels to rounding of either sign */
    }
}

err refit_errors(const hessian *h, int first, int n, const double *w, const double *shift,
                 double *error) {
    size_t width = (size_t)h->d + 1;
    double *v; // (2 ERROR_ROWS, d + 1)
    CALL(mem_alloc(2 * ERROR_ROWS * width, sizeof *v, &v));
    for (int from = first, end; from < first + n; from = end) {
        int at = from / ERROR_ROWS * ERROR_ROWS;
        size_t done = (size_t)(from - first);
        end = at + ERROR_ROWS < first + n ? at + ERROR_ROWS : first + n;
        block_errors(h, at, from, end, w + done * (size_t)h->d, shift + done, v,
                     v + ERROR_ROWS * width, error + done);
    }
    free(v);
    return OK;
}
