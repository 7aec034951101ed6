/* magnitude.h: magnitude pruning of one linear layer, the contrast to everything that uses data. */
#ifndef ESPALIER_PRUNE_MAGNITUDE_H
#define ESPALIER_PRUNE_MAGNITUDE_H

#include <stdint.h>

/* Set the k of n weights with the lowest |w| to 0, ties at the lowest index; over the whole layer,
 * so rows may get unequal shares. NaN counts as largest. Not collective. */
void magnitude_prune(float *w, int64_t n, int64_t k);

/* How many of the k lowest |w| of several linears together are in each of them, ties to the first
 * linear: w (linears) of n (linears) weights each; removed (linears). Not collective. */
void magnitude_shares(const float *const *w, const int64_t *n, int linears, int64_t k,
                      int64_t *removed);

#endif
