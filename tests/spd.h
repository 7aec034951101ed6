/* spd.h: matrices for the tests of linalg and prune, by plain loops that share nothing with what
 * they test */
#ifndef ESPALIER_TESTS_SPD_H
#define ESPALIER_TESTS_SPD_H

#include "base/rng.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static inline double *spd_random(uint64_t seed, size_t n) {
    double *x = malloc((n + 1) * sizeof *x);
    rng_stream s = rng_open(seed, RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = rng_normal(&s);
    return x;
}

/* X^T X / n + ridge I of 2 d random rows whose columns are correlated: (d, d), caller frees */
static inline double *spd_make(uint64_t seed, size_t d, double ridge) {
    size_t n = 2 * d + 1;
    double *x = spd_random(seed, n * d), *a = calloc(d * d, sizeof *a);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 1; i < d; i++)
            x[t * d + i] += 0.7 * x[t * d + i - 1];
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < d; i++)
            for (size_t k = 0; k < d; k++)
                a[i * d + k] += x[t * d + i] * x[t * d + k] / (double)n;
    for (size_t i = 0; i < d; i++)
        a[i * d + i] += ridge;
    free(x);
    return a;
}

/* x (m, n) such that x a = b, by Gauss-Jordan elimination with row exchanges: a (n, n) symmetric, b
 * (m, n); caller frees */
static inline double *spd_solve(const double *a, const double *b, size_t n, size_t m) {
    double *l = malloc(n * n * sizeof *l), *x = malloc((m * n + 1) * sizeof *x);
    memcpy(l, a, n * n * sizeof *l);
    memcpy(x, b, m * n * sizeof *x);
    for (size_t c = 0; c < n; c++) {
        size_t p = c;
        for (size_t r = c; r < n; r++)
            if (fabs(l[r * n + c]) > fabs(l[p * n + c]))
                p = r;
        for (size_t k = 0; k < n; k++) {
            double t = l[c * n + k];
            l[c * n + k] = l[p * n + k];
            l[p * n + k] = t;
        }
        for (size_t q = 0; q < m; q++) {
            double t = x[q * n + c];
            x[q * n + c] = x[q * n + p];
            x[q * n + p] = t;
        }
        for (size_t r = 0; r < n; r++) {
            double f = l[r * n + c] / l[c * n + c];
            if (r == c || f == 0.0)
                continue;
            for (size_t k = c; k < n; k++)
                l[r * n + k] -= f * l[c * n + k];
            for (size_t q = 0; q < m; q++)
                x[q * n + r] -= f * x[q * n + c];
        }
    }
    for (size_t q = 0; q < m; q++)
        for (size_t r = 0; r < n; r++)
            x[q * n + r] /= l[r * n + r];
    free(l);
    return x;
}

static inline double *spd_inverse(const double *a, size_t n) {
    double *one = calloc(n * n, sizeof *one);
    for (size_t i = 0; i < n; i++)
        one[i * n + i] = 1.0;
    double *x = spd_solve(a, one, n, n);
    free(one);
    return x;
}

/* 1-norm of a symmetric matrix: a (n, n) */
static inline double spd_norm(const double *a, size_t n) {
    double norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += fabs(a[i * n + k]);
        norm = sum > norm ? sum : norm;
    }
    return norm;
}

/* largest |x - y| over n, relative to the largest |y| */
static inline double spd_distance(const double *x, const double *y, size_t n) {
    double worst = 0.0, scale = 0.0;
    for (size_t i = 0; i < n; i++) {
        double gap = fabs(x[i] - y[i]);
        worst = gap > worst || isnan(gap) ? gap : worst;
        scale = fabs(y[i]) > scale ? fabs(y[i]) : scale;
    }
    return scale > 0.0 ? worst / scale : worst;
}

#endif
