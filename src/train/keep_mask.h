/* keep_mask.h: training that leaves a pruned model pruned. What is zero among the prunable weights
 * at the start gets no gradient, neither for the optimiser nor for the norm that gradients are
 * clipped by; so its moments stay 0, decay of 0 is 0, and it stays 0 bit by bit. Not collective. */
#ifndef ESPALIER_TRAIN_KEEP_MASK_H
#define ESPALIER_TRAIN_KEEP_MASK_H

#include "model/encoder.h"

typedef struct keep_mask {
    char *removed; // (n) of the range, 1: stays zero; NULL: nothing is kept zero
    size_t n;
} keep_mask;

/* Of elements first .. first + n - 1 of m's block, as they are now. The caller frees. */
err keep_mask_open(const encoder *m, size_t first, size_t n, keep_mask *out);
void keep_mask_free(keep_mask *k);

/* grads (n) of the range: +0 where a weight stays zero. */
void keep_mask_apply(const keep_mask *k, float *grads);

#endif
