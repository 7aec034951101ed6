#include "prune/obs_product.h"

#include "tensor/amx.h"
#include "tensor/gemm_pack.h"
#include "tensor/pieces.h"

#ifdef AMX_BUILT

/* A step, of a panel and of a group: three pieces, the leading one first, of two halves of 16
 * positions. What a tile holds of them:
 *
 *   group  (16 positions, 16 words)
 *   panel  (16 words, 16 positions)
 *
 * with vectors q and q + 16 of the step in word q. */
enum { PIECES = 3, HALF = 16, TILE_WORDS = 256, PIECE = 2 * TILE_WORDS, STEP = PIECES * PIECE };

typedef uint32_t word; /* two bfloat16 */

/* vectors `first` to before k of a step; zeros for the others */
LANES_INLINE void load_pieces(const float *x, int first, int k, __m512i piece[PIECES]) {
    uint32_t there = (k < OBS_STEP ? (1u << k) - 1u : ~0u) & (~0u << first);
    pieces low = pieces_of((lanes)_mm512_maskz_loadu_ps((__mmask16)there, x));
    pieces high = pieces_of((lanes)_mm512_maskz_loadu_ps((__mmask16)(there >> LANES), x + LANES));
    piece[0] = pieces_join(low.high, high.high);
    piece[1] = pieces_join(low.middle, high.middle);
    piece[2] = pieces_join(low.low, high.low);
}

static void pack_panel(void *panel, const float *from, int k) {
    word *to = panel;
    for (int half = 0; half < 2; half++, to += TILE_WORDS) {
        lanes v[PIECES][HALF];
        for (int i = 0; i < HALF; i++, from += OBS_STEP) {
            __m512i piece[PIECES];
            load_pieces(from, 0, k, piece);
            for (int p = 0; p < PIECES; p++)
                v[p][i] = (lanes)piece[p];
        }
        for (int p = 0; p < PIECES; p++) {
            lanes_transpose(v[p]);
            for (int i = 0; i < HALF; i++)
                _mm512_storeu_si512(to + p * PIECE + i * 16, (__m512i)v[p][i]);
        }
    }
}

static void pack_group(void *group, const float *const *from, const int32_t *first, int n, int t,
                       int k) {
    word *to = group;
    for (int i = 0; i < 2 * HALF; i++, to += 16) {
        __m512i piece[PIECES] = {_mm512_setzero_si512(), _mm512_setzero_si512(),
                                 _mm512_setzero_si512()};
        if (i < n && first[i] < t + k)
            load_pieces(from[i], first[i] > t ? first[i] - t : 0, k, piece);
        for (int p = 0; p < PIECES; p++)
            _mm512_storeu_si512(to + p * PIECE, piece[p]);
    }
}

#define LOAD_A(piece)                                                                              \
    _tile_loadd(4, a + (piece)*PIECE, 64);                                                         \
    _tile_loadd(5, a + (piece)*PIECE + TILE_WORDS, 64)
#define LOAD_B(piece)                                                                              \
    _tile_loadd(6, b + (piece)*PIECE, 64);                                                         \
    _tile_loadd(7, b + (piece)*PIECE + TILE_WORDS, 64)
#define MULTIPLY                                                                                   \
    _tile_dpbf16ps(0, 4, 6);                                                                       \
    _tile_dpbf16ps(1, 4, 7);                                                                       \
    _tile_dpbf16ps(2, 5, 6);                                                                       \
    _tile_dpbf16ps(3, 5, 7)

/* tiles 0 to 3: sums; 4, 5: the halves of a piece of the group; 6, 7: of the panel */
static void subtract(float *const *c, size_t at, const void *group, const void *panel, int n, int k,
                     const void *ahead, size_t bytes) {
    _Alignas(64) float sum[2 * HALF][PANEL];
    const word *a = group, *b = panel;
    const char *next = ahead, *end = next + bytes;
    const size_t share = bytes / (size_t)((k + OBS_STEP - 1) / OBS_STEP) + 64; /* for each step */
    for (int i = 0; i < n; i++) {
        __builtin_prefetch(c[i] + at, 1);
        __builtin_prefetch(c[i] + at + LANES, 1);
    }
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int q = 0; q < k; q += OBS_STEP, a += STEP, b += STEP) {
        for (const char *to = next + share; next < to && next < end; next += 64)
            __builtin_prefetch(next, 0, 2);
        LOAD_A(0);
        LOAD_B(2);
        MULTIPLY;
        LOAD_B(1);
        MULTIPLY;
        LOAD_A(1);
        MULTIPLY;
        LOAD_B(0);
        MULTIPLY;
        LOAD_A(2);
        MULTIPLY;
        LOAD_A(0);
        MULTIPLY;
    }
    _tile_stored(0, sum[0], PANEL * sizeof(float));
    _tile_stored(1, sum[0] + HALF, PANEL * sizeof(float));
    _tile_stored(2, sum[HALF], PANEL * sizeof(float));
    _tile_stored(3, sum[HALF] + HALF, PANEL * sizeof(float));
    for (int i = 0; i < n; i++) {
        float *y = c[i] + at;
        lanes_store(y, lanes_load(y) - lanes_load(sum[i]));
        lanes_store(y + LANES, lanes_load(y + LANES) - lanes_load(sum[i] + LANES));
    }
}

const obs_product *obs_product_tiles(void) {
    static const obs_product product = {.rows = 2 * HALF,
                                        .deep = 192,
                                        .panel = STEP * sizeof(word),
                                        .group = STEP * sizeof(word),
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
