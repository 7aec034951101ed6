/* obs_vectors.h: the vectors of exact OBS's removals, u_1 to u_t over the active weights of a row,
 * and what is taken from them: columns of G - sum u_s u_s^T, or all of it. Private to obs_fast; not
 * collective. */
#ifndef ESPALIER_PRUNE_OBS_VECTORS_H
#define ESPALIER_PRUNE_OBS_VECTORS_H

#include "base/err.h"
#include "prune/obs_product.h"

#include <stdint.h>

typedef struct obs_vectors {
    const obs_product *product;
    int positions;
    int made;           /* vectors that are there */
    float *steps;       // (most / OBS_STEP, positions, OBS_STEP)
    char *panels;       // (positions / PANEL, distance) the same, packed
    size_t distance;    /* bytes from panel to panel */
    char *groups;       // factors of a product, packed
    const float **from; // (columns) where factors begin
} obs_vectors;

/* Room for `most` vectors of n positions, a multiple of PANEL, for products of up to `columns`
 * columns. The caller frees. */
err obs_vectors_create(const obs_product *product, int n, int most, int columns, obs_vectors *v);
void obs_vectors_free(obs_vectors *v);

/* Add vectors `from` to t - 1 of now (n / PANEL, epoch, PANEL). */
void obs_vectors_append(obs_vectors *v, const float *now, int n, int epoch, int from, int t);
/* Position i of n is what position alive[i] >= i was; what follows in the last panel is 0. */
void obs_vectors_compact(obs_vectors *v, const int32_t *alive, int n);
/* columns[i] (n) less all vectors from number first[i] on times their values at position[i], for
 * `count` columns. */
void obs_vectors_subtract(obs_vectors *v, float *const *columns, const int32_t *position,
                          const int32_t *first, int count, int n);
/* to (n, ld), symmetric: g (rows g_ld apart) at rows and columns origin[0] < origin[1] < ..., less
 * all vectors; ld >= n up to a whole panel, and as many rows. */
void obs_vectors_fold(obs_vectors *v, float *to, size_t ld, int n, const float *g, size_t g_ld,
                      const int32_t *origin);

#endif
