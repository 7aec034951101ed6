/* rng.h: counter-based random numbers (Philox 4x32-10, Salmon et al., SC 2011; Random123).
 *
 * A number is a function of (seed, purpose, a, b, c) and of nothing else: no state, so no
 * dependence on ranks, batches or the order of work. Purposes keep two uses of the same seed apart.
 */
#ifndef ESPALIER_BASE_RNG_H
#define ESPALIER_BASE_RNG_H

#include <stdint.h>

typedef enum rng_purpose {
    RNG_INIT = 1,    /* initial weights: a = array index, b = high, c = low half of element / 4 */
    RNG_SHUFFLE,     /* order of examples: a = epoch */
    RNG_DROPOUT,     /* a = site | layer << 8, b = epoch, c = see model/dropout.h */
    RNG_MASK,        /* masked-language model: a = epoch, b = sequence, c = position */
    RNG_SPLIT,       /* held-out part of the training set */
    RNG_SAMPLE,      /* seeded samples of a split (test subset, soup subset) */
    RNG_CALIBRATION, /* calibration sentences of pruning */
    RNG_SYNTHETIC,   /* the synthetic review language */
    RNG_TEST,        /* tests and benchmarks */
    RNG_EDIT,        /* random edits of an attack: a, b = hash of the word and kind of edit */
    RNG_PRUNE = 15,  /* random masks: a = stage, b = row, c = column / 4 */
    RNG_DRAW = 16,   /* random variants: a = option, b = draw */
} rng_purpose;

/* Four independent 32-bit numbers for one counter. Not collective. */
void rng_block(uint64_t seed, uint32_t purpose, uint32_t a, uint32_t b, uint32_t c,
               uint32_t out[4]);

/* A stream over one (seed, purpose, a, b): its counter is c. For sequential use (grammar, shuffle).
 */
typedef struct rng_stream {
    uint64_t seed;
    uint32_t purpose, a, b, c;
    uint32_t block[4];
    int used;
} rng_stream;

rng_stream rng_open(uint64_t seed, uint32_t purpose, uint32_t a, uint32_t b);
uint32_t rng_u32(rng_stream *s);
double rng_uniform(rng_stream *s);             /* in [0, 1), 53 bits */
double rng_normal(rng_stream *s);              /* mean 0, variance 1 (Box-Muller) */
uint32_t rng_below(rng_stream *s, uint32_t n); /* uniform in 0 .. n - 1 without modulo bias */
void rng_shuffle(rng_stream *s, int32_t *x, int32_t n); /* Fisher-Yates */

/* 32 random bits as a float in [0, 1) with 24 bits. */
static inline float rng_float(uint32_t bits) {
    return (float)(bits >> 8) * 0x1p-24f;
}

#endif
