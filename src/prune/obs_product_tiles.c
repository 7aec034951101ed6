#include "prune/obs_product.h"

#include "tensor/amx_tiles.h"

#ifdef AMX_BUILT

/* A step, of a panel and of a group, as bfloat16_pack.h lays out those of B and of A: in pieces. */
enum { PIECES = 3, STEP_WORDS = PIECES * PIECE };

static void pack_panel(void *panel, const float *from, int k) {
    pack_panel_b(panel, (gemm_operand){from, OBS_STEP, 1}, 0, k, 0, PANEL, PIECES);
}

static void pack_group(void *group, const float *const *from, const int32_t *first, int n, int t,
                       int k) {
    word *to = group;
    for (int i = 0; i < SIDE; i++, to += 16) {
        lanes low = lanes_set(0.0f), high = low;
        if (i < n && first[i] < t + k) {
            int begin = first[i] > t ? first[i] - t : 0;
            uint32_t there = (k < OBS_STEP ? (1u << k) - 1u : ~0u) & (~0u << begin);
            low = (lanes)_mm512_maskz_loadu_ps((__mmask16)there, from[i]);
            high = (lanes)_mm512_maskz_loadu_ps((__mmask16)(there >> LANES), from[i] + LANES);
        }
        put_words(to, low, high, PIECES);
    }
}

/* the group is A, the panel B; the largest products last */
static void subtract(float *const *c, size_t at, const void *group, const void *panel, int n, int k,
                     const void *ahead, size_t bytes) {
    _Alignas(64) float sum[SIDE * SIDE];
    const word *a = group, *b = panel;
    const char *next = ahead, *end = next + bytes;
    const size_t share = bytes / (size_t)((k + OBS_STEP - 1) / OBS_STEP) + 64; /* for each step */
    for (int i = 0; i < n; i++) {
        __builtin_prefetch(c[i] + at, 1);
        __builtin_prefetch(c[i] + at + LANES, 1);
    }
    tiles_clear();
    for (int q = 0; q < k; q += OBS_STEP, a += STEP_WORDS, b += STEP_WORDS) {
        for (const char *to = next + share; next < to && next < end; next += 64)
            __builtin_prefetch(next, 0, 2);
        tiles_load_a(a);
        tiles_load_b(b + 2 * PIECE);
        tiles_add();
        tiles_load_b(b + PIECE);
        tiles_add();
        tiles_load_a(a + PIECE);
        tiles_add();
        tiles_load_b(b);
        tiles_add();
        tiles_load_a(a + 2 * PIECE);
        tiles_add();
        tiles_load_a(a);
        tiles_add();
    }
    tiles_store(sum);
    for (int i = 0; i < n; i++) {
        float *y = c[i] + at;
        lanes_store(y, lanes_load(y) - lanes_load(sum + i * SIDE));
        lanes_store(y + LANES, lanes_load(y + LANES) - lanes_load(sum + i * SIDE + LANES));
    }
}

const obs_product *obs_product_tiles(void) {
    static const obs_product product = {.rows = SIDE,
                                        .deep = 192,
                                        .panel = STEP_WORDS * sizeof(word),
                                        .group = STEP_WORDS * sizeof(word),
                                        .pack_panel = pack_panel,
                                        .pack_group = pack_group,
                                        .begin = amx_open,
                                        .end = amx_close,
                                        .subtract = subtract};
    return amx_used() ? &product : NULL;
}

#else

const obs_product *obs_product_tiles(void) {
    return NULL;
}

#endif
