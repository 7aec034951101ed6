#include "prune/obs_product.h"

#include "tensor/gemm_pack.h"

#include <string.h>

/* panel (step, STEP, PANEL), group (step, STEP, LANES): a vector's numbers side by side; steps: a
 * position's, which factors are read from */
enum { STEP = 32 };

static const obs_product product;

static int least(int a, int b) {
    return a < b ? a : b;
}

/* a position's numbers in the step of vector t */
static float *step_of(const obs_store *v, int position, int t) {
    return v->steps + ((size_t)(t / STEP) * (size_t)v->positions + (size_t)position) * STEP;
}

static void pack_panel(float *to, const float *from, int k) {
    for (int q = 0; q < k; q += LANES, to += LANES * PANEL)
        for (int i = 0; i < PANEL; i += LANES)
            pack_transposed(to + i, PANEL, from + i * STEP + q, STEP, LANES, least(k - q, LANES));
}

/* n positions in the step of vector t, of `made` vectors */
static void pack_panels(const obs_store *v, int n, int t, int made) {
    for (int j = 0; j * PANEL < n; j++)
        pack_panel((float *)(void *)obs_panel(&product, v, j, t), step_of(v, j * PANEL, t),
                   least(made - t, STEP));
}

/* vectors t to t + k - 1 of LANES positions, none of them beyond a vector of LANES, from a panel */
static void turn(float *to, const float *now, int t, int k) {
    lanes x[LANES];
    for (int i = 0; i < LANES; i++)
        x[i] = i < k ? lanes_load(now + i * PANEL) : lanes_set(0.0f);
    lanes_transpose(x);
    for (int i = 0; i < LANES; i++)
        lanes_store_part(to + i * STEP + t % STEP, x[i], k);
}

static void append(const obs_store *v, const float *now, int n, int stride, int made, int from,
                   int t) {
    for (int q = from, k; q < t; q += k, made += k) {
        k = least(t - q, LANES - made % LANES);
        for (int j = 0; j < n; j += PANEL) {
            const float *x = now + (size_t)(j / PANEL * stride + q) * PANEL;
            float *panel = (float *)(void *)obs_panel(&product, v, j / PANEL, made);
            memcpy(panel + made % STEP * PANEL, x, (size_t)k * PANEL * sizeof *x);
            for (int i = 0; i < PANEL; i += LANES)
                turn(step_of(v, j + i, made), x + i, made, k);
        }
    }
}

static void compact(const obs_store *v, const int32_t *alive, int n, int made) {
    for (int t = 0; t < made; t += STEP) {
        for (int i = 0; i < n; i++)
            if (alive[i] != i)
                memcpy(step_of(v, i, t), step_of(v, alive[i], t), STEP * sizeof(float));
        for (int i = n; i % PANEL != 0; i++)
            memset(step_of(v, i, t), 0, STEP * sizeof(float));
        pack_panels(v, n, t, made);
    }
}

static void pack_group(const obs_store *v, void *group, const int32_t *position,
                       const int32_t *first, int n, int t, int k) {
    float *to = group;
    for (int q = 0; q < k; q += LANES) {
        lanes x[LANES];
        for (int i = 0; i < LANES; i++)
            x[i] = i < n ? lanes_load(step_of(v, position[i], t) + q) : lanes_set(0.0f);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < LANES && t + q + j < first[i]; j++)
                x[i][j] = 0.0f;
        lanes_transpose(x);
        for (int i = 0; i < LANES && q + i < k; i++, to += LANES)
            lanes_store(to, x[i]);
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
        for (const char *to = ahead + share; ahead < to && ahead < end; ahead += 64)
            __builtin_prefetch(ahead, 0, 2);
        if (q < n) {
            __builtin_prefetch(c[q] + at, 1);
            __builtin_prefetch(c[q] + at + LANES, 1);
        }
        tile_term(rows, sum, a, b);
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

static void subtract(float *const *c, size_t at, const float *head, const void *group,
                     const float *unit, const void *panel, int n, int k, const void *ahead,
                     size_t bytes) {
    (void)head;
    (void)unit;
    if (n > TILE_ROWS / 2)
        tile_subtract(TILE_ROWS, c, at, group, panel, n, k, ahead, bytes);
    else
        tile_subtract(TILE_ROWS / 2, c, at, group, panel, n, k, ahead, bytes);
}

static const obs_product product = {.rows = TILE_ROWS,
                                    .step = STEP,
                                    .deep = 256,
                                    .floats = 1,
                                    .panel = STEP * PANEL * sizeof(float),
                                    .group = STEP * LANES * sizeof(float),
                                    .append = append,
                                    .compact = compact,
                                    .pack_group = pack_group,
                                    .begin = nothing,
                                    .end = nothing,
                                    .subtract = subtract};

const obs_product *obs_product_lanes(void) {
    return &product;
}
