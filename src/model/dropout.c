#include "model/dropout.h"

#include "base/rng.h"
#include "tensor/lanes.h"

#include <string.h>

enum { COUNTERS = 16, UNITS = 8 * COUNTERS };

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
