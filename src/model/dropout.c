#include "model/dropout.h"

#include "base/rng.h"
#include "tensor/lanes.h"

#include <string.h>

enum { COUNTERS = 16, UNITS = 8 * COUNTERS };

#if defined(__AVX512F__)

/* both halves of the products of 16 words and m: even ones in place, odd ones from the upper halves
 */
LANES_INLINE void multiply(__m512i *high, __m512i *low, __m512i x, __m512i m) {
    enum { ODD = 0xaaaa, EVEN = 0x5555 };
    __m512i even = _mm512_mul_epu32(x, m);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), m);
    *high = _mm512_mask_shuffle_epi32(odd, EVEN, even, _MM_PERM_CDAB);
    *low = _mm512_mask_shuffle_epi32(even, ODD, odd, _MM_PERM_CDAB);
}

/* Philox 4x32 (Salmon et al., SC 2011), 10 rounds. out[w]: word w of the COUNTERS counters
 * {RNG_DROPOUT, head, 0, c + i}, as rng_block gives it. */
LANES_INLINE void philox_words(__m512i out[4], uint64_t key, uint32_t head, uint32_t c) {
    const __m512i m0 = _mm512_set1_epi32((int)0xD2511F53u),
                  m1 = _mm512_set1_epi32((int)0xCD9E8D57u);
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    enum { XOR3 = 0x96, ROUNDS = 10 };
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    __m512i x0 = _mm512_set1_epi32(RNG_DROPOUT), x1 = _mm512_set1_epi32((int)head);
    __m512i x2 = _mm512_setzero_si512(), x3 = _mm512_add_epi32(_mm512_set1_epi32((int)c), count);
#pragma GCC unroll 10
    for (int i = 0; i < ROUNDS; i++) {
        __m512i high0, low0, high1, low1;
        multiply(&high0, &low0, x0, m0);
        multiply(&high1, &low1, x2, m1);
        x0 = _mm512_ternarylogic_epi32(high1, x1, _mm512_set1_epi32((int)k0), XOR3);
        x2 = _mm512_ternarylogic_epi32(high0, x3, _mm512_set1_epi32((int)k1), XOR3);
        x1 = low1;
        x3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

static void fill_units(float *to, uint64_t key, uint32_t head, uint32_t c, uint32_t threshold,
                       float keep) {
    const __m512i limit = _mm512_set1_epi32((int)threshold), half = _mm512_set1_epi32(0xffff);
    const __m512 kept = _mm512_set1_ps(keep);
    __m512i word[4];
    philox_words(word, key, head, c);
    for (int w = 0; w < 4; w++, to += 2 * COUNTERS) {
        __mmask16 low = _mm512_cmpge_epu32_mask(_mm512_and_si512(word[w], half), limit);
        __mmask16 high = _mm512_cmpge_epu32_mask(_mm512_srli_epi32(word[w], 16), limit);
        _mm512_storeu_ps(to, _mm512_maskz_mov_ps(low, kept));
        _mm512_storeu_ps(to + COUNTERS, _mm512_maskz_mov_ps(high, kept));
    }
}

#else

/* one round of Philox 4x32 (Salmon et al., SC 2011) */
LANES_INLINE void philox_round(uint32_t x[4], uint32_t k0, uint32_t k1) {
    uint64_t a = (uint64_t)x[0] * 0xD2511F53u, b = (uint64_t)x[2] * 0xCD9E8D57u;
    uint32_t high = (uint32_t)(b >> 32) ^ x[1] ^ k0;
    x[2] = (uint32_t)(a >> 32) ^ x[3] ^ k1;
    x[1] = (uint32_t)b;
    x[3] = (uint32_t)a;
    x[0] = high;
}

/* out[w][i]: word w of counter {RNG_DROPOUT, head, 0, c + i}, as rng_block gives it. The ten rounds
 * are written out so that the loop over counters has a plain body and becomes vector code. */
static void philox_words(uint32_t out[4][COUNTERS], uint64_t key, uint32_t head, uint32_t c) {
    const uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    const uint32_t w0 = 0x9E3779B9u, w1 = 0xBB67AE85u;
    for (uint32_t i = 0; i < COUNTERS; i++) {
        uint32_t x[4] = {RNG_DROPOUT, head, 0, c + i};
        philox_round(x, k0, k1);
        philox_round(x, k0 + w0, k1 + w1);
        philox_round(x, k0 + 2 * w0, k1 + 2 * w1);
        philox_round(x, k0 + 3 * w0, k1 + 3 * w1);
        philox_round(x, k0 + 4 * w0, k1 + 4 * w1);
        philox_round(x, k0 + 5 * w0, k1 + 5 * w1);
        philox_round(x, k0 + 6 * w0, k1 + 6 * w1);
        philox_round(x, k0 + 7 * w0, k1 + 7 * w1);
        philox_round(x, k0 + 8 * w0, k1 + 8 * w1);
        philox_round(x, k0 + 9 * w0, k1 + 9 * w1);
        for (int w = 0; w < 4; w++)
            out[w][i] = x[w];
    }
}

/* both halves of COUNTERS words against the threshold */
static void compare(float *restrict low, float *restrict high, const uint32_t *restrict word,
                    uint32_t threshold, float keep) {
    for (int i = 0; i < COUNTERS; i++) {
        low[i] = (word[i] & 0xffff) < threshold ? 0.0f : keep;
        high[i] = (word[i] >> 16) < threshold ? 0.0f : keep;
    }
}

static void fill_units(float *to, uint64_t key, uint32_t head, uint32_t c, uint32_t threshold,
                       float keep) {
    uint32_t word[4][COUNTERS];
    philox_words(word, key, head, c);
    for (int w = 0; w < 4; w++)
        compare(to + 2 * w * COUNTERS, to + (2 * w + 1) * COUNTERS, word[w], threshold, keep);
}

#endif

void dropout_mask(float *mask, const dropout *d, dropout_site site, int layer, int head,
                  int32_t example, float p, int positions, int width) {
    uint32_t first[4];
    rng_block(d->seed, RNG_DROPOUT, (uint32_t)site | (uint32_t)layer << 8, d->epoch,
              (uint32_t)example, first);
    uint64_t key = first[0] | (uint64_t)first[1] << 32;
    uint32_t threshold = (uint32_t)((double)p * 0x1p16 + 0.5), c = 0;
    float keep = (float)(0x1p16 / (0x1p16 - (double)threshold));
    size_t n = (size_t)positions * (size_t)width, at = 0;
    for (; at + UNITS <= n; at += UNITS, c += COUNTERS)
        fill_units(mask + at, key, (uint32_t)head, c, threshold, keep);
    if (at < n) {
        float piece[UNITS] = {0};
        fill_units(piece, key, (uint32_t)head, c, threshold, keep);
        memcpy(mask + at, piece, (n - at) * sizeof *mask);
    }
}
