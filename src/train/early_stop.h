/* early_stop.h: end training when the held-out loss no longer falls, with the best weights.
 *
 * Of the weights each rank keeps the range that it owns (reduce.h). Not collective: every rank sees
 * the same losses. */
#ifndef ESPALIER_TRAIN_EARLY_STOP_H
#define ESPALIER_TRAIN_EARLY_STOP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct early_stop {
    int64_t patience; /* evaluations; 0: off */
    /* what a checkpoint keeps: */
    int64_t evaluations, since; /* in all; since the best one */
    int64_t best_step;
    double best_loss; /* nats; infinity before the first */
    float *best;      // (n) owned
    size_t n;
} early_stop;

/* ERR_FAILED: memory. Caller frees with early_stop_free. */
err early_stop_open(int64_t patience, size_t n, early_stop *out);
void early_stop_free(early_stop *s);

/* The held-out loss after `step` steps, and the weights (n) it belongs to. Only a lower loss is
 * better. */
void early_stop_see(early_stop *s, int64_t step, double loss, const float *weights);
int early_stop_over(const early_stop *s); /* 1: patience is at its end */

#endif
