#include "linalg/linalg.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/distributed.h"
#include "linalg/local.h"

#include <math.h>
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

static err residual(double *out, const double *inverse, const double *a, int d, double ridge) {
    double *product;
    CALL(mem_alloc((size_t)d, sizeof *product, &product));
    int step = (d + RESIDUAL_ROWS - 1) / RESIDUAL_ROWS;
    *out = 0.0;
    for (int i = 0; i < d; i += step) {
        const double *row = inverse + (size_t)i * (size_t)d;
        dense_times(product, a, row, d); /* a is symmetric */
        for (int k = 0; k < d; k++) {
            double r = fabs(product[k] + ridge * row[k] - (k == i));
            if (r > *out || isnan(r))
                *out = r;
        }
    }
    free(product);
    return OK;
}

/* one factorisation; *rcond 0: it failed for the numbers */
static err attempt(const par *p, double *inverse, double *x, int m, double *f, int d, double norm,
                   int distributed, double *rcond) {
    err e = distributed ? distributed_spd(p, inverse, x, m, f, d, norm, WORST, rcond)
                        : local_spd(inverse, x, m, f, d, norm, WORST, rcond);
    return par_agree(p, e);
}

err linalg_spd(const par *p, double *inverse, double *x, int m, const double *a, int d,
               double ridge, const char *how, linalg_report *report) {
    err e = OK;
    double *f = NULL, norm = norm_of(a, d), mean = mean_diagonal(a, d), rcond = 0.0;
    int distributed =
        strcmp(how, "distributed") == 0 || (strcmp(how, "auto") == 0 && d >= LINALG_CROSSOVER);
    *report = (linalg_report){.residual = NAN};
    memcpy(report->factorisation, distributed ? "distributed" : "local", distributed ? 12 : 6);
    CHECK(isfinite(norm) && isfinite(ridge), ERR_FAILED,
          "a matrix of order %d to be inverted has elements that are not finite", d);
    TRY(par_agree(p, mem_alloc((size_t)d * (size_t)d, sizeof *f, &f)));
    for (int t = 0; t < TRIES && rcond == 0.0; t++) {
        if (t > 0)
            ridge = ridge > 0.0 ? 10.0 * ridge : 1e-10 * mean;
        add_ridge(f, a, d, ridge);
        report->ridge = ridge;
        report->retries = t;
        TRY(attempt(p, inverse, x, m, f, d, norm + ridge, distributed, &rcond));
    }
    ENSURE(rcond > 0.0, ERR_FAILED,
           "a matrix of order %d is not positive definite, even with %.2g on its diagonal (mean "
           "diagonal %.2g): raise the damping",
           d, ridge, mean);
    report->condition = inverse ? (norm + ridge) * norm_of(inverse, d) : 1.0 / rcond;
    if (inverse)
        TRY(par_agree(p, residual(&report->residual, inverse, a, d, ridge)));
done:
    free(f);
    return e;
}
