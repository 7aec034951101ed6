/* magnitude.h: one threshold of magnitude for several linear layers. */
#ifndef ESPALIER_PRUNE_MAGNITUDE_H
#define ESPALIER_PRUNE_MAGNITUDE_H

#include <stdint.h>

/* How many of the k lowest |w| of several linears together are in each of them, ties to the first
 * linear, NaN largest: w (linears) of n (linears) weights each; removed (linears). Not collective.
 */
void magnitude_shares(const float *const *w, const int64_t *n, int linears, int64_t k,
                      int64_t *removed);

#endif
