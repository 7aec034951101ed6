/* Numbers in fixed point on AMX tiles. A number of a position is rounded to a whole multiple of the
 * position's unit, below 2^23 of them, and cut into three digits of eight bits. Of the nine
 * products of digits eight are summed, as integers, exactly; the ninth is below 2^-32 of the
 * product of the largest numbers there may be. So a sum is off by rounding to units alone, 2^-24 of
 * the largest number, as the inverse that it is taken from is in float32. It costs eight tile
 * instructions where bfloat16 in three pieces costs twelve, and half of the memory. */
#include "prune/obs_product.h"

#include "tensor/amx.h"
#include "tensor/gemm_pack.h"

#include <string.h>

#if defined(AMX_BUILT) && (defined(__AMX_INT8__) || defined(__AMXINT8__))

/* A step of a panel is what a left operand's tiles hold, of a group a right operand's:
 *
 *   panel (2 halves, 3 digits, 16 positions, 64 vectors)
 *   group (2 halves, 3 digits, 16 times 4 vectors, 16 positions, 4)
 *
 * leading digit first, each the other's transpose in words of four vectors. */
enum {
    TERMS = 64,
    DIGITS = 3,
    SIDE = 16,
    LINE = 64, /* bytes of a position's digits */
    TILE = SIDE * LINE,
    HALF = DIGITS * TILE,
    STEP = 2 * HALF,
    WEIGHTS = 4,              /* sums of products of digits, by what they count */
    SUMS = WEIGHTS * TILE / 4 /* integers */
};

static const obs_product product;
_Static_assert(TERMS - OBS_EPOCH_MOST <= 0, "an epoch is a step");

static int least(int a, int b) {
    return a < b ? a : b;
}

/* ---- packing ---- */

/* sixteen numbers as integers whose bytes are signed digits, the lowest first */
LANES_INLINE __m512i digits_of(lanes x) {
    const __m512i middle = _mm512_set1_epi32(0x00808080);
    __m512i q = _mm512_cvtps_epi32((__m512)x);
    return _mm512_xor_si512(_mm512_add_epi32(q, middle), middle);
}

/* four vectors' digits at sixteen positions as words of one digit each, the leading digit first */
LANES_INLINE void weave(__m512i word[DIGITS], const __m512i u[4]) {
    const __m512i even = _mm512_set1_epi32(0x00ff00ff), low = _mm512_set1_epi32(0xffff);
    __m512i a = _mm512_or_si512(_mm512_and_si512(u[0], even),
                                _mm512_slli_epi32(_mm512_and_si512(u[1], even), 8));
    __m512i b = _mm512_or_si512(_mm512_and_si512(u[2], even),
                                _mm512_slli_epi32(_mm512_and_si512(u[3], even), 8));
    __m512i c = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(u[0], 8), even),
                                _mm512_andnot_si512(even, u[1]));
    __m512i d = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(u[2], 8), even),
                                _mm512_andnot_si512(even, u[3]));
    word[0] = _mm512_or_si512(_mm512_srli_epi32(a, 16), _mm512_andnot_si512(low, b));
    word[1] = _mm512_or_si512(_mm512_and_si512(c, low), _mm512_slli_epi32(d, 16));
    word[2] = _mm512_or_si512(_mm512_and_si512(a, low), _mm512_slli_epi32(b, 16));
}

/* half a step of a panel: the first t vectors of now (epoch, PANEL) at sixteen positions */
static void pack_half(char *to, const float *now, const float *unit, int t) {
    lanes by = lanes_set(1.0f) / lanes_load(unit), v[DIGITS][SIDE];
    for (int q = 0; q < SIDE; q++) {
        __m512i u[4], word[DIGITS];
        for (int i = 0; i < 4; i++)
            u[i] = 4 * q + i < t ? digits_of(lanes_load(now + (4 * q + i) * PANEL) * by)
                                 : _mm512_setzero_si512();
        weave(word, u);
        for (int d = 0; d < DIGITS; d++)
            v[d][q] = (lanes)word[d];
    }
    for (int d = 0; d < DIGITS; d++, to += TILE) {
        lanes_transpose(v[d]);
        for (int i = 0; i < SIDE; i++)
            _mm512_store_si512(to + i * LINE, (__m512i)v[d][i]);
    }
}

/* the epoch's step is made anew from its first vector on */
static void append(const obs_store *v, const float *now, int n, int stride, int made, int from,
                   int t) {
    for (int j = 0; j * PANEL < n; j++) {
        char *to = obs_panel(&product, v, j, made - from);
        const float *panel = now + (size_t)j * (size_t)stride * PANEL;
        for (int h = 0; h < PANEL; h += SIDE)
            pack_half(to + h / SIDE * HALF, panel + h, v->unit + j * PANEL + h, t);
    }
}

/* a position's leading digits in the step of vector t */
static char *line_of(const obs_store *v, int position, int t) {
    return obs_panel(&product, v, position / PANEL, t) + position % PANEL / SIDE * HALF +
           position % SIDE * LINE;
}

static void compact(const obs_store *v, const subset *alive, int made) {
    int n = alive->n, end = (n + PANEL - 1) / PANEL * PANEL;
    for (int j = 0; j < n; j += PANEL)
        for (int t = 0; t < made; t += TERMS)
            for (int i = j; i < least(n, j + PANEL); i++) {
                char *to = line_of(v, i, t), *from = line_of(v, alive->index[i], t);
                for (int d = 0; d < HALF; d += TILE)
                    _mm512_store_si512(to + d, _mm512_load_si512(from + d));
            }
    for (int i = n; i < end; i++)
        for (int t = 0; t < made; t += TERMS)
            for (int d = 0; d < HALF; d += TILE)
                memset(line_of(v, i, t) + d, 0, LINE);
}

static void pack_group(const obs_store *v, void *group, const int32_t *position,
                       const int32_t *first, int n, int t, int k) {
    char *to = group;
    (void)k; /* what is behind the last vector is 0 in the panel */
    for (int h = 0; h < n; h += SIDE)
        for (int d = 0; d < HALF; d += TILE, to += TILE) {
            lanes x[SIDE];
            for (int i = 0; i < SIDE; i++) {
                __mmask64 there = 0;
                if (h + i < n && first[h + i] < t + TERMS)
                    there = ~UINT64_C(0) << (first[h + i] > t ? first[h + i] - t : 0);
                const char *from = line_of(v, position[h + i < n ? h + i : 0], t) + d;
                x[i] = (lanes)_mm512_maskz_loadu_epi8(there, from);
            }
            lanes_transpose(x);
            for (int i = 0; i < SIDE; i++)
                _mm512_store_si512(to + i * LINE, (__m512i)x[i]);
        }
}

/* ---- products ---- */

/* a step: tiles 0 to 3 are the sums, 4 to 6 the panel's digits, 7 the group's, one after the other
 */
LANES_INLINE void multiply_step(const char *a, const char *b) {
    _tile_loadd(4, a, LINE);
    _tile_loadd(7, b + 2 * TILE, LINE);
    _tile_loadd(5, a + TILE, LINE);
    _tile_dpbssd(2, 4, 7);
    _tile_dpbssd(3, 5, 7);
    _tile_loadd(7, b + TILE, LINE);
    _tile_loadd(6, a + 2 * TILE, LINE);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 7);
    _tile_dpbssd(3, 6, 7);
    _tile_loadd(7, b, LINE);
    _tile_dpbssd(0, 4, 7);
    _tile_dpbssd(1, 5, 7);
    _tile_dpbssd(2, 6, 7);
}

/* sums (WEIGHTS, 16, 16) of all steps */
static void multiply(int32_t *sums, const char *a, const char *b, int steps) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < steps; i++, a += STEP, b += STEP)
        multiply_step(a, b);
    _tile_stored(0, sums, LINE);
    _tile_stored(1, sums + TILE / 4, LINE);
    _tile_stored(2, sums + TILE / 2, LINE);
    _tile_stored(3, sums + TILE / 4 * 3, LINE);
}

LANES_INLINE lanes sum_of(const int32_t *sums, int weight) {
    return (lanes)_mm512_cvtepi32_ps(_mm512_load_si512(sums + weight * TILE / 4));
}

/* sums, which count 2^32, 2^24, 2^16 and 2^8, off n columns at sixteen positions */
static void settle(float *const *c, size_t at, const int32_t *sums, const float *head,
                   const float *unit, int n) {
    lanes v[SIDE], up = lanes_set(256.0f), by = up * lanes_load(head);
    for (int i = 0; i < SIDE; i++, sums += SIDE) {
        lanes x = lanes_fma(sum_of(sums, 0), up, sum_of(sums, 1));
        x = lanes_fma(lanes_fma(x, up, sum_of(sums, 2)), up, sum_of(sums, 3));
        v[i] = x * by * lanes_set(unit[i]);
    }
    lanes_transpose(v);
    for (int i = 0; i < n; i++)
        lanes_store(c[i] + at, lanes_load(c[i] + at) - v[i]);
}

/* By halves of the panel and of the group; a half's sums are settled while the tiles are busy with
 * the next. What comes ahead, the CPU fetches by itself. */
static void subtract(float *const *c, size_t at, const float *head, const void *group,
                     const float *unit, const void *panel, int n, int k, const void *ahead,
                     size_t bytes) {
    _Alignas(64) int32_t sums[2][SUMS];
    const char *a = panel, *b = group;
    int steps = (k + TERMS - 1) / TERMS, halves = n > SIDE ? 2 : 1;
    (void)ahead;
    (void)bytes;
    for (int i = 0; i < n; i++) {
        __builtin_prefetch(c[i] + at, 1);
        __builtin_prefetch(c[i] + at + SIDE, 1);
    }
    for (int x = 0; x <= 2 * halves; x++) {
        int last = x - 1, i = last / halves * SIDE, j = last % halves * SIDE;
        if (x < 2 * halves)
            multiply(sums[x % 2], a + x / halves * HALF, b + x % halves * HALF, steps);
        if (x > 0)
            settle(c + j, at + (size_t)i, sums[last % 2], head + j, unit + i, least(n - j, SIDE));
    }
}

static const obs_product product = {.rows = 2 * SIDE,
                                    .step = TERMS,
                                    .epoch = TERMS,
                                    .panel = STEP,
                                    .group = STEP,
                                    .append = append,
                                    .compact = compact,
                                    .pack_group = pack_group,
                                    .begin = amx_open,
                                    .end = amx_close,
                                    .subtract = subtract};

const obs_product *obs_product_digits(void) {
    return amx_used() ? &product : NULL;
}

#else

const obs_product *obs_product_digits(void) {
    return NULL;
}

#endif
