/* divergence.h: notices a training run that has failed numerically, within a few steps.
 *
 * Diverged is: a loss or gradient norm that is not finite, or a loss above 3 ln C + 1 (C outcomes;
 * a uniform guess has ln C) in 8 of the last 16 steps. One bad batch does not count; a run that
 * swings between good and bad does. Not collective. */
#ifndef ESPALIER_TRAIN_DIVERGENCE_H
#define ESPALIER_TRAIN_DIVERGENCE_H

#include <stdint.h>

typedef struct divergence {
    double limit;     /* nats */
    uint32_t history; /* bit i: the loss was above limit i steps ago */
} divergence;

/* outcomes: classes or vocabulary. */
divergence divergence_watch(int outcomes);

/* 1 if the run has diverged. loss: mean of this step, nats; norm: of its gradient. */
int divergence_seen(divergence *d, double loss, double norm);
/* 1 if a held-out loss (mean of many examples, nats) says so: not finite, or above the limit. */
int divergence_heldout(const divergence *d, double loss);

#endif
