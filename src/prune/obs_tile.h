/* obs_tile.h: the product inside exact OBS, in registers. Private to obs_fast.
 *
 * As in tensor/gemm_native.c, but what it is taken from lies in panels already, and rows of the
 * result stand anywhere. */
#ifndef ESPALIER_PRUNE_OBS_TILE_H
#define ESPALIER_PRUNE_OBS_TILE_H

#include "tensor/tile.h"

#include <stddef.h>

enum { PANEL = TILE_COLS };

/* c[i] (PANEL) -= a^T b for `rows` rows: a (k, LANES) one factor a row, b (k, PANEL). Meanwhile
 * `next` (k, PANEL) comes into the second-level cache. rows is a constant wherever this is inlined.
 */
LANES_INLINE void tile_subtract(const int rows, float *const *c, size_t at, const float *a,
                                const float *b, const float *next, int k) {
    lanes sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = (lanes){0};
    for (int q = 0; q < k; q++, a += LANES, b += PANEL, next += PANEL) {
        lanes b0 = lanes_load(b), b1 = lanes_load(b + LANES);
        __builtin_prefetch(next, 0, 2);
        __builtin_prefetch(next + LANES, 0, 2);
        if (q < rows) {
            __builtin_prefetch(c[q] + at, 1);
            __builtin_prefetch(c[q] + at + LANES, 1);
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            FMA_BROADCAST(sum[i][0], a + i, b0);
            FMA_BROADCAST(sum[i][1], a + i, b1);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        float *y = c[i] + at;
        lanes_store(y, lanes_load(y) - sum[i][0]);
        lanes_store(y + LANES, lanes_load(y + LANES) - sum[i][1]);
    }
}

#endif
