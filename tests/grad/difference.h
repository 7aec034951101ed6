/* difference.h: central differences of a float64 function against a float32 backward kernel. */
#ifndef ESPALIER_TESTS_GRAD_DIFFERENCE_H
#define ESPALIER_TESTS_GRAD_DIFFERENCE_H

#include "base/rng.h"

#include <math.h>
#include <stddef.h>

typedef double (*objective)(const void *state, const double *x);

/* Relative Frobenius error of the float32 gradient g (n) of f at x (n), all coordinates one by one.
 * Central differences with h = 1e-5 in float64: truncation about h^2 = 1e-10, rounding about
 * 1e-16 / h = 1e-11, both far below what float32 backward kernels make of it (about 1e-6). */
static inline double gradient_error(objective f, const void *state, double *x, const float *g,
                                    int n) {
    const double h = 1e-5;
    double gap = 0.0, size = 0.0;
    for (int i = 0; i < n; i++) {
        double at = x[i];
        x[i] = at + h;
        double up = f(state, x);
        x[i] = at - h;
        double down = f(state, x);
        x[i] = at;
        double slope = (up - down) / (2.0 * h);
        gap += ((double)g[i] - slope) * ((double)g[i] - slope);
        size += slope * slope;
    }
    return sqrt(gap / size);
}

/* normal numbers that float32 holds exactly, times scale, around centre */
static inline void random_fill(double *x, float *twin, int n, uint32_t stream, double centre,
                               double scale) {
    rng_stream r = rng_open(7, RNG_TEST, stream, 0);
    for (int i = 0; i < n; i++) {
        float v = (float)(centre + scale * rng_normal(&r));
        x[i] = (double)v;
        twin[i] = v;
    }
}

#endif
