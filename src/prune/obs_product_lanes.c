#include "prune/obs_product.h"

#include "tensor/gemm_pack.h"

/* panel (step, OBS_STEP, PANEL), group (step, OBS_STEP, LANES): a vector's numbers side by side */

static void pack_panel(void *panel, const float *from, int k) {
    float *to = panel;
    for (int q = 0; q < k; q += LANES, to += LANES * PANEL)
        for (int i = 0; i < PANEL; i += LANES)
            pack_transposed(to + i, PANEL, from + i * OBS_STEP + q, OBS_STEP, LANES,
                            k - q < LANES ? k - q : LANES);
}

static void pack_group(void *group, const float *const *from, const int32_t *first, int n, int t,
                       int k) {
    float *to = group;
    for (int q = 0; q < k; q += LANES) {
        lanes v[LANES];
        for (int i = 0; i < LANES; i++)
            v[i] = i < n ? lanes_load(from[i] + q) : lanes_set(0.0f);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < LANES && t + q + j < first[i]; j++)
                v[i][j] = 0.0f;
        lanes_transpose(v);
        for (int i = 0; i < LANES && q + i < k; i++, to += LANES)
            lanes_store(to, v[i]);
    }
}

/* rows is a constant wherever this is inlined */
LANES_INLINE void tile_subtract(const int rows, float *const *c, size_t at, const float *a,
                                const float *b, int n, int k, const char *ahead, size_t bytes) {
    const size_t share = bytes / (size_t)k + 64; /* for each vector */
    const char *end = ahead + bytes;
    lanes sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = lanes_set(0.0f);
    for (int q = 0; q < k; q++, a += LANES, b += PANEL) {
        lanes b0 = lanes_load(b), b1 = lanes_load(b + LANES);
        for (const char *to = ahead + share; ahead < to && ahead < end; ahead += 64)
            __builtin_prefetch(ahead, 0, 2);
        if (q < n) {
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
        if (i >= n)
            break;
        float *y = c[i] + at;
        lanes_store(y, lanes_load(y) - sum[i][0]);
        lanes_store(y + LANES, lanes_load(y + LANES) - sum[i][1]);
    }
}

static void nothing(void) {
}

static void subtract(float *const *c, size_t at, const void *group, const void *panel, int n, int k,
                     const void *ahead, size_t bytes) {
    if (n > TILE_ROWS / 2)
        tile_subtract(TILE_ROWS, c, at, group, panel, n, k, ahead, bytes);
    else
        tile_subtract(TILE_ROWS / 2, c, at, group, panel, n, k, ahead, bytes);
}

const obs_product *obs_product_lanes(void) {
    static const obs_product product = {.rows = TILE_ROWS,
                                        .deep = 256,
                                        .panel = OBS_STEP * PANEL * sizeof(float),
                                        .group = OBS_STEP * LANES * sizeof(float),
                                        .pack_panel = pack_panel,
                                        .pack_group = pack_group,
                                        .begin = nothing,
                                        .end = nothing,
                                        .subtract = subtract};
    return &product;
}
