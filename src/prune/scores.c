#include "prune/scores.h"

#include "base/rng.h"

#include <math.h>

void scores_magnitude(double *score, const double *w, int d) {
    for (int i = 0; i < d; i++)
        score[i] = fabs(w[i]);
}

void scores_wanda(double *score, const double *w, const hessian *h) {
    size_t n = (size_t)h->d + 1;
    for (size_t i = 0; i + 1 < n; i++)
        score[i] = fabs(w[i]) * sqrt(h->xx[i * n + i]);
}

void scores_random(double *score, int d, uint64_t seed, uint32_t site, uint32_t row) {
    uint32_t r[4];
    for (int i = 0; i < d; i++) {
        if (i % 4 == 0)
            rng_block(seed, RNG_PRUNE, site, row, (uint32_t)i / 4, r);
        score[i] = (double)r[i % 4] * 0x1p-32;
    }
}
