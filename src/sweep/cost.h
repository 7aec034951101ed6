/* cost.h: what a variant costs before it is trained. Not collective. */
#ifndef ESPALIER_SWEEP_COST_H
#define ESPALIER_SWEEP_COST_H

#include "config/study.h"
#include "model/encoder.h"
#include "text/dataset.h"

/* Seconds on one rank. */
typedef struct cost_rates {
    double token;    /* forward and backward of a training token */
    double update;   /* one step of the optimiser with clipping, however many tokens it sums */
    double evaluate; /* forward of a held-out token */
} cost_rates;

/* From the shape alone, for comparisons: 60 GFLOP/s in matrix products, 8 GB/s in the optimiser. */
cost_rates cost_assume(const encoder_config *c);

typedef struct cost {
    int64_t steps, tokens; /* if it neither diverges nor stops early; passes of FreeLB counted */
    double seconds;        /* on one rank */
} cost;

/* Steps of an epoch over n examples. */
int64_t cost_epoch_steps(const finetune_options *o, int n);

/* x: the training examples; heldout: tokens of the held-out ones. */
cost cost_variant(const cost_rates *r, const finetune_options *o, const examples *x,
                  int64_t heldout);

/* order (n): the longest first, equal ones as they come. */
void cost_order(const double *seconds, int n, int64_t *order);

#endif
