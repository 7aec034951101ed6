/* obs_product.h: the product inside exact OBS: columns of an inverse less vectors times factors.
 * Two implementations, chosen when the program runs: multiply-adds of float32, and AMX tiles. Tiles
 * multiply bfloat16; every float32 is cut into three of them, exactly, and of the nine products of
 * two such numbers six are summed in float32: what is left out is below 2^-24 of the product.
 *
 * Both sides of a product are packed from the same layout, steps of OBS_STEP vectors, in each every
 * position's numbers side by side:
 *
 *   a panel: PANEL positions, step by step                 what is subtracted
 *   a group: up to `rows` positions, likewise              the factors
 *
 * Sums run over the vectors in their order, so a result does not depend on what else is in a group.
 * Private to exact OBS; nothing here is collective. */
#ifndef ESPALIER_PRUNE_OBS_PRODUCT_H
#define ESPALIER_PRUNE_OBS_PRODUCT_H

#include "tensor/tile.h"

#include <stddef.h>
#include <stdint.h>

enum { PANEL = TILE_COLS, OBS_STEP = 32 };

typedef struct obs_product {
    int rows;     /* positions of a group */
    int deep;     /* vectors, a multiple of OBS_STEP, of which a panel stays in the first cache */
    size_t panel; /* bytes of a step of a panel */
    size_t group; /* of a group */
    /* One step of a panel: from (PANEL, OBS_STEP), the first k vectors; the others count as 0. */
    void (*pack_panel)(void *panel, const float *from, int k);
    /* One step, vectors t to t + k - 1, of a group of n positions: from[i] (OBS_STEP). Vectors
     * before first[i] and further ones count as 0. */
    void (*pack_group)(void *group, const float *const *from, const int32_t *first, int n, int t,
                       int k);
    void (*begin)(void); /* around calls of subtract */
    void (*end)(void);
    /* c[i] + at (PANEL) -= sum over k vectors of group and panel, for i < n; meanwhile `bytes` from
     * `ahead` on come into the second cache */
    void (*subtract)(float *const *c, size_t at, const void *group, const void *panel, int n, int k,
                     const void *ahead, size_t bytes);
} obs_product;

const obs_product *obs_product_lanes(void);
const obs_product *obs_product_tiles(void); /* NULL: not on this machine */

#endif
