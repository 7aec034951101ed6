/* calibrate.h: how fast this machine trains an encoder, from a few steps of it. */
#ifndef ESPALIER_SWEEP_CALIBRATE_H
#define ESPALIER_SWEEP_CALIBRATE_H

#include "model/encoder.h"
#include "par/par.h"
#include "sweep/cost.h"

typedef struct calibration {
    cost_rates rates;
    int layers;     /* of the encoder that was measured: at most 2, the rest by arithmetic */
    double seconds; /* that it took */
} calibration;

/* Train random weights of c's shape on the first of x, every rank for itself and all at once, as in
 * a sweep; then score some of heldout. o: batch, sequence and optimiser of the study. About
 * `seconds` long. The mean over the ranks. Collective. */
err calibrate(const par *p, const encoder_config *c, const finetune_options *o, const examples *x,
              const examples *heldout, double seconds, calibration *out);

#endif
