#include "model/dropout.h"

#include "base/rng.h"
#include "tensor/lanes.h"

/* Philox 4x32-10 (Salmon et al., SC 2011) on LANES counters at once; the same numbers as rng_block
 */
typedef uint32_t words __attribute__((vector_size(LANES * 4)));

LANES_INLINE void multiply(words *high, words *low, words x, uint32_t by) {
    words h, l;
    for (int i = 0; i < LANES; i++) {
        uint64_t product = (uint64_t)x[i] * by;
        h[i] = (uint32_t)(product >> 32);
        l[i] = (uint32_t)product;
    }
    *high = h;
    *low = l;
}

/* out[i] for counters {purpose, a, b, c + lane} */
static void philox_lanes(words out[4], uint64_t key, uint32_t a, uint32_t b, uint32_t c) {
    words x[4] = {(words){0} + (uint32_t)RNG_DROPOUT, (words){0} + a, (words){0} + b, (words){0}};
    for (uint32_t i = 0; i < LANES; i++)
        x[3][i] = c + i;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        words h0, l0, h1, l1;
        multiply(&h0, &l0, x[0], 0xD2511F53u);
        multiply(&h1, &l1, x[2], 0xCD9E8D57u);
        x[0] = h1 ^ x[1] ^ k0;
        x[1] = l1;
        x[2] = h0 ^ x[3] ^ k1;
        x[3] = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(out, x, sizeof x);
}

void dropout_mask(float *mask, const dropout *d, dropout_site site, int layer, int head,
                  int32_t example, float p, int rows, int n) {
    uint32_t first[4];
    rng_block(d->seed, RNG_DROPOUT, (uint32_t)site | (uint32_t)layer << 8, d->epoch,
              (uint32_t)example, first);
    uint64_t key = first[0] | (uint64_t)first[1] << 32;
    uint32_t threshold = (uint32_t)((double)p * 0x1p32);
    float keep = 1.0f / (1.0f - p);
    for (int row = 0; row < rows; row++)
        for (int at = 0; at < n; at += 4 * LANES) {
            uint32_t word[4][LANES];
            words x[4];
            philox_lanes(x, key, (uint32_t)head, (uint32_t)row, (uint32_t)at / 4);
            memcpy(word, x, sizeof x);
            float piece[4 * LANES];
            for (int i = 0; i < LANES; i++)
                for (int w = 0; w < 4; w++)
                    piece[4 * i + w] = word[w][i] < threshold ? 0.0f : keep;
            int count = n - at < 4 * LANES ? n - at : 4 * LANES;
            memcpy(mask + (size_t)row * (size_t)n + (size_t)at, piece,
                   (size_t)count * sizeof *mask);
        }
}
