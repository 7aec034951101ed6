#include "train/early_stop.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

err early_stop_open(int64_t patience, size_t n, early_stop *out) {
    *out = (early_stop){.patience = patience, .best_loss = (double)INFINITY, .n = n};
    return patience > 0 ? mem_alloc(n + 1, sizeof *out->best, &out->best) : OK;
}

void early_stop_free(early_stop *s) {
    free(s->best);
    s->best = NULL;
}

void early_stop_see(early_stop *s, int64_t step, double loss, const float *weights) {
    s->evaluations++;
    s->since++;
    if (loss < s->best_loss) {
        s->since = 0;
        s->best_loss = loss;
        s->best_step = step;
        memcpy(s->best, weights, s->n * sizeof *weights);
    }
}

int early_stop_over(const early_stop *s) {
    return s->patience > 0 && s->since >= s->patience;
}
