#include "linalg/linalg.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/distributed.h"
#include "linalg/local.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* an inverse of a matrix with a condition number of 1e14 has no more than two good digits */
static const double WORST = 1e-14;

enum { TRIES = 9, RESIDUAL_ROWS = 256 };

/* 1-norm of a symmetric a (d, d); not finite when an element is not */
static double norm_of(const double *a, int d) {
    double norm = 0.0;
    for (int i = 0; i < d; i++) {
        const double *row = a + (size_t)i * (size_t)d;
        double sum = 0.0;
        for (int k = 0; k < d; k++)
            sum += fabs(row[k]);
        if (sum > norm || isnan(sum))
            norm = sum; /* a NaN stays: nothing is greater than it */
    }
    return norm;
}

static double mean_diagonal(const double *a, int d) {
    double sum = 0.0;
    for (size_t i = 0; i < (size_t)d; i++)
        sum += a[i * (size_t)d + i];
    return sum / d;
}

/* f = a + ridge I */
static void add_ridge(double *f, const double *a, int d, double ridge) {
    memcpy(f, a, (size_t)d * (size_t)d * sizeof *a);
    for (size_t i = 0; i < (size_t)d; i++)
        f[i * (size_t)d + i] += ridge;
}

/* largest |(a + ridge I) inverse - I| over rows spread evenly, by one product */
static err residual(double *out, const double *inverse, const double *a, int d, double ridge) {
    err e = OK;
    int step = (d + RESIDUAL_ROWS - 1) / RESIDUAL_ROWS, n = (d + step - 1) / step;
    size_t D = (size_t)d;
    double *rows = NULL, *product = NULL;
    TRY(mem_alloc((size_t)n * D, sizeof *rows, &rows));
    TRY(mem_alloc((size_t)n * D, sizeof *product, &product));
    for (int i = 0; i < n; i++)
        memcpy(rows + (size_t)i * D, inverse + (size_t)(i * step) * D, D * sizeof *rows);
    dense_product(product, rows, a, n, d, d);
    *out = 0.0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < d; k++) {
            size_t at = (size_t)i * D + (size_t)k;
            double r = fabs(product[at] + ridge * rows[at] - (k == i * step));
            if (r > *out || isnan(r))
                *out = r;
        }
done:
    free(rows);
    free(product);
    return e;
}

/* what `how` says */
typedef struct way {
    int distributed;
    int rows, cols; /* of the grid */
} way;

/* the largest divisor up to the square root gives the rows of a near-square grid */
static void near_square(int size, way *w) {
    w->rows = 1;
    for (int r = 2; r * r <= size; r++)
        if (size % r == 0)
            w->rows = r;
    w->cols = size / w->rows;
}

int linalg_is_local(const char *how, int d) {
    if (strncmp(how, "auto", 4) == 0)
        return d < LINALG_CROSSOVER;
    return strncmp(how, "local", 5) == 0;
}

static err way_of(const par *p, const char *how, int d, way *w) {
    static const char *const words[] = {"local", "auto", "distributed"};
    int at = 0, rows, cols;
    char rest;
    size_t n = strcspn(how, " ");
    while (at < 3 && (strlen(words[at]) != n || strncmp(how, words[at], n) != 0))
        at++;
    CHECK(at < 3, ERR_USAGE, "factorisation \"%s\": expected auto, local or distributed", how);
    w->distributed = !linalg_is_local(how, d);
    near_square(p->size, w);
    if (how[n] == '\0')
        return OK;
    CHECK(sscanf(how + n, " %dx%d%c", &rows, &cols, &rest) == 2 && rows > 0 && cols > 0 &&
              rows < 32768 && cols < 32768,
          ERR_USAGE, "process grid \"%s\": expected ROWSxCOLUMNS, for instance 2x3", how + n + 1);
    CHECK(rows * cols <= p->size, ERR_USAGE,
          "a process grid of %d x %d needs %d ranks, there are %d: start more ranks, or choose a "
          "smaller prune.grid",
          rows, cols, rows * cols, p->size);
    w->rows = rows;
    w->cols = cols;
    return OK;
}

err linalg_check(const par *p, const char *how) {
    way w;
    return way_of(p, how, 1, &w);
}

/* one call of linalg_spd */
typedef struct spd {
    const par *p;
    way way;
    const double *a; // (d, d)
    int d, m;
    double *x;          // (m, d), NULL: none
    double *inverse;    // (d, d), NULL: not wanted
    const shared *node; /* that inverse lies in, NULL: this rank's own memory */
    double *f;          // (d, d) factor, of a rank that factors locally
} spd;

/* one rank of a node factors, with its inverse in the node's block, and hands out the rest */
static err attempt_local(const spd *s, double ridge, double norm, double *rcond) {
    const par *node = s->node ? s->node->node : NULL;
    err e = OK;
    *rcond = 0.0;
    if (s->f) {
        add_ridge(s->f, s->a, s->d, ridge);
        e = local_spd(s->inverse, s->x, s->m, s->f, s->d, norm, WORST, rcond);
    }
    CALL(par_agree(s->p, e));
    if (!node || node->size == 1)
        return OK;
    CALL(par_bcast(node, rcond, sizeof *rcond, 0));
    if (s->x && *rcond > 0.0)
        CALL(par_bcast(node, s->x, (size_t)s->m * (size_t)s->d * sizeof *s->x, 0));
    return shared_sync(s->node);
}

/* one factorisation; *rcond 0: it failed for the numbers */
static err attempt(const spd *s, double ridge, double norm, double *rcond) {
    if (!s->way.distributed)
        return attempt_local(s, ridge, norm, rcond);
    distributed_job j = {.rows = s->way.rows,
                         .cols = s->way.cols,
                         .a = s->a,
                         .ridge = ridge,
                         .norm = norm,
                         .least = WORST,
                         .d = s->d,
                         .m = s->m,
                         .inverse = s->inverse,
                         .node = s->node,
                         .x = s->x,
                         .rcond = rcond};
    return par_agree(s->p, distributed_spd(s->p, &j));
}

static err solve(spd *s, double ridge, linalg_report *report) {
    err e = OK;
    double norm = norm_of(s->a, s->d), mean = mean_diagonal(s->a, s->d), rcond = 0.0;
    size_t n = (size_t)s->d * (size_t)s->d;
    int factors = !s->way.distributed && (!s->node || s->node->node->rank == 0);
    *report = (linalg_report){.residual = NAN};
    strcpy(report->factorisation, s->way.distributed ? "distributed" : "local");
    CHECK(isfinite(norm) && isfinite(ridge), ERR_FAILED,
          "a matrix of order %d to be inverted has elements that are not finite", s->d);
    TRY(par_agree(s->p, factors ? mem_alloc(n, sizeof *s->f, &s->f) : OK));
    for (int t = 0; t < TRIES && rcond == 0.0; t++) {
        if (t > 0)
            ridge = ridge > 0.0 ? 10.0 * ridge : 1e-10 * mean;
        report->ridge = ridge;
        report->retries = t;
        TRY(attempt(s, ridge, norm + ridge, &rcond));
    }
    ENSURE(rcond > 0.0, ERR_FAILED,
           "a matrix of order %d is not positive definite, even with %.2g on its diagonal (mean "
           "diagonal %.2g): raise the damping",
           s->d, ridge, mean);
    free(s->f);
    s->f = NULL;
    report->condition = s->inverse ? (norm + ridge) * norm_of(s->inverse, s->d) : 1.0 / rcond;
    if (s->inverse)
        TRY(par_agree(s->p, residual(&report->residual, s->inverse, s->a, s->d, ridge)));
done:
    free(s->f);
    return e;
}

err linalg_spd(const par *p, double *inverse, double *x, int m, const double *a, int d,
               double ridge, const char *how, linalg_report *report) {
    spd s = {.p = p, .a = a, .d = d, .m = m, .x = x, .inverse = inverse};
    CALL(way_of(p, how, d, &s.way));
    return solve(&s, ridge, report);
}

err linalg_spd_shared(const par *p, const shared *inverse, double *x, int m, const double *a, int d,
                      double ridge, const char *how, linalg_report *report) {
    spd s = {.p = p, .a = a, .d = d, .m = m, .x = x, .inverse = inverse->block, .node = inverse};
    CALL(way_of(p, how, d, &s.way));
    return solve(&s, ridge, report);
}
