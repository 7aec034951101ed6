#include "base/rng.h"

#include <math.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

void rng_block(uint64_t seed, uint32_t purpose, uint32_t a, uint32_t b, uint32_t c,
               uint32_t out[4]) {
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{purpose, a, b, c}};
    philox4x32_ctr_t r = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        out[i] = r.v[i];
}

rng_stream rng_open(uint64_t seed, uint32_t purpose, uint32_t a, uint32_t b) {
    return (rng_stream){.seed = seed, .purpose = purpose, .a = a, .b = b, .used = 4};
}

uint32_t rng_u32(rng_stream *s) {
    if (s->used == 4) {
        rng_block(s->seed, s->purpose, s->a, s->b, s->c++, s->block);
        s->used = 0;
    }
    return s->block[s->used++];
}

double rng_uniform(rng_stream *s) {
    uint64_t high = rng_u32(s) >> 5; /* 27 bits */
    uint64_t low = rng_u32(s) >> 6;  /* 26 bits */
    return (double)(high << 26 | low) * 0x1p-53;
}

double rng_normal(rng_stream *s) {
    double u = 1.0 - rng_uniform(s); /* in (0, 1]: the logarithm is finite */
    double v = rng_uniform(s);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

uint32_t rng_below(rng_stream *s, uint32_t n) {
    /* Lemire's multiply-and-reject (arXiv 1805.10941) */
    uint64_t m = (uint64_t)rng_u32(s) * n;
    if ((uint32_t)m < n) {
        uint32_t threshold = (uint32_t)(-n) % n;
        while ((uint32_t)m < threshold)
            m = (uint64_t)rng_u32(s) * n;
    }
    return (uint32_t)(m >> 32);
}

void rng_shuffle(rng_stream *s, int32_t *x, int32_t n) {
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)rng_below(s, (uint32_t)i + 1);
        int32_t t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
}
