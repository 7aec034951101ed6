/* obs_vectors.h: the vectors of exact OBS's removals, u_1 to u_t over the active weights of a row,
 * and what is taken from them: columns of G - sum u_s u_s^T. Private to obs_fast; not collective.
 */
#ifndef ESPALIER_PRUNE_OBS_VECTORS_H
#define ESPALIER_PRUNE_OBS_VECTORS_H

#include "base/err.h"
#include "prune/obs_product.h"
#include "prune/subset.h"

#include <stdint.h>

typedef struct obs_vectors {
    const obs_product *product;
    obs_store store;
    int made;     /* vectors that are there */
    int deep;     /* of a product, at most */
    char *groups; // (groups, group_bytes) factors of a product, packed
    size_t group_bytes;
} obs_vectors;

/* Room for `most` vectors of n positions, a multiple of PANEL, for products of up to `columns`
 * columns. The caller frees. */
err obs_vectors_create(const obs_product *product, int n, int most, int columns, obs_vectors *v);
void obs_vectors_free(obs_vectors *v);

/* No vectors, and those to come are of an inverse with this diagonal (n), positive: their squares
 * at a position sum up to less than its element. */
void obs_vectors_begin(obs_vectors *v, const double *diagonal, int n);

/* Add vectors `from` to t - 1 of now (n / PANEL, stride, PANEL). */
void obs_vectors_append(obs_vectors *v, const float *now, int n, int stride, int from, int t);
/* Only the positions that are alive; what follows in the last panel is 0. */
void obs_vectors_compact(obs_vectors *v, const subset *alive);
/* columns[i] (n) less all vectors from number first[i] on times their values at position[i], for
 * `count` columns. */
void obs_vectors_subtract(obs_vectors *v, float *const *columns, const int32_t *position,
                          const int32_t *first, int count, int n);
#endif
