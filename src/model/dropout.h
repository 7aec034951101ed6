/* dropout.h: dropout masks as a function, without a state.
 *
 * Whether a unit is dropped depends on (seed, epoch, example, site, layer, head, unit) and on
 * nothing else, so neither on the batch an example is in nor on the rank that trains it:
 *
 *   key  = first 64 bits of Philox(seed; RNG_DROPOUT, site | layer << 8, epoch, example)
 *   word = Philox(key; RNG_DROPOUT, head, 0, 16 (unit / 128) + unit % 16)[unit / 32 % 4]
 *   bits = the low half of word where unit / 16 is even, else the high half
 *   mask = bits < t ? 0 : 1 / (1 - t / 2^16) with t = round(2^16 p)
 *
 * unit = position * width + hidden unit; for attention, position * length + position attended to.
 * Where there are no heads, head is 0. The order of units lets 16 counters be computed side by
 * side. */
#ifndef ESPALIER_MODEL_DROPOUT_H
#define ESPALIER_MODEL_DROPOUT_H

#include "model/encoder.h"

typedef enum dropout_site {
    DROPOUT_EMBEDDING,
    DROPOUT_PROBS,  /* attention probabilities */
    DROPOUT_ATT,    /* output of attention */
    DROPOUT_OUT,    /* output of the feed-forward pair */
    DROPOUT_POOLED, /* input of the classifier */
    DROPOUT_FIRST,  /* [CLS], where the family drops before the classifier's dense layer */
} dropout_site;

/* mask (positions, width): the first units of one example at one site. */
void dropout_mask(float *mask, const dropout *d, dropout_site site, int layer, int head,
                  int32_t example, float p, int positions, int width);

#endif
