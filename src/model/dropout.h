/* dropout.h: dropout masks as a function, without a state.
 *
 * Whether a unit is dropped depends on (seed, epoch, example, site, layer, head, position, unit)
 * and on nothing else, so neither on the batch an example is in nor on the rank that trains it:
 *
 *   key  = first 64 bits of Philox(seed, RNG_DROPOUT; a = site | layer << 8, b = epoch, c =
 * example) bits = Philox(key, RNG_DROPOUT; a = head, b = position, c = unit / 4)[unit % 4] mask =
 * bits / 2^32 < p ? 0 : 1 / (1 - p)
 *
 * unit is the hidden unit or, for attention, the position attended to; head is 0 elsewhere. */
#ifndef ESPALIER_MODEL_DROPOUT_H
#define ESPALIER_MODEL_DROPOUT_H

#include "model/encoder.h"

typedef enum dropout_site {
    DROPOUT_EMBEDDING,
    DROPOUT_PROBS,  /* attention probabilities */
    DROPOUT_ATT,    /* output of attention */
    DROPOUT_OUT,    /* output of the feed-forward pair */
    DROPOUT_POOLED, /* input of the classifier */
} dropout_site;

/* mask (rows, n) for positions 0 .. rows - 1 of one example. */
void dropout_mask(float *mask, const dropout *d, dropout_site site, int layer, int head,
                  int32_t example, float p, int rows, int n);

#endif
