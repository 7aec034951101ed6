/* lanes.h: vectors of LANES floats for the passes between two GEMMs. Private to tensor and model.
 *
 * Reductions run in LANES partial sums that are added in a fixed tree: the order of additions is
 * part of the source, so no -ffast-math is needed for speed and the bits do not depend on the
 * optimiser. Written with the vector extension that gcc and clang share; without it nothing here
 * changes but the speed. */
#ifndef ESPALIER_TENSOR_LANES_H
#define ESPALIER_TENSOR_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float lanes __attribute__((vector_size(LANES * 4)));
typedef int32_t lanes_int __attribute__((vector_size(LANES * 4)));
typedef uint32_t lanes_uint __attribute__((vector_size(LANES * 4)));

#define LANES_INLINE static inline __attribute__((always_inline, unused))

LANES_INLINE lanes lanes_set(float x) {
#if defined(__AVX512F__)
    return (lanes)_mm512_set1_ps(x);
#elif defined(__AVX__)
    return (lanes)_mm256_set1_ps(x);
#else
    return (lanes){x, x, x, x};
#endif
}

LANES_INLINE lanes lanes_load(const float *p) {
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

LANES_INLINE void lanes_store(float *p, lanes v) {
    memcpy(p, &v, sizeof v);
}

/* the first n < LANES floats; the other lanes are 0 */
LANES_INLINE lanes lanes_load_part(const float *p, int n) {
    lanes v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

LANES_INLINE void lanes_store_part(float *p, lanes v, int n) {
    memcpy(p, &v, (size_t)n * sizeof *p);
}

/* a * b + c, rounded once where the target has such an instruction */
LANES_INLINE lanes lanes_fma(lanes a, lanes b, lanes c) {
#if defined(__AVX512F__)
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* Square root. sqrtf may set errno, so no compiler makes it a vector without -fno-math-errno. */
LANES_INLINE lanes lanes_sqrt(lanes x) {
#if defined(__AVX512F__)
    return (lanes)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX__)
    return (lanes)_mm256_sqrt_ps((__m256)x);
#else
    for (int i = 0; i < LANES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* where mask is -1 a, where it is 0 b */
LANES_INLINE lanes lanes_select(lanes_int mask, lanes a, lanes b) {
    return (lanes)((mask & (lanes_int)a) | (~mask & (lanes_int)b));
}

LANES_INLINE float lanes_sum(lanes v) {
    float x[LANES];
    memcpy(x, &v, sizeof x);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            x[i] += x[i + half];
    return x[0];
}

/* NaN if there is one: NaN is never below and never left */
LANES_INLINE float lanes_max(lanes v) {
    float m = v[0];
    for (int i = 1; i < LANES; i++)
        m = v[i] > m || v[i] != v[i] ? v[i] : m;
    return m;
}

/* largest of n >= 1 floats; NaN if there is one */
LANES_INLINE float lanes_row_max(const float *x, int n) {
    lanes top = lanes_set(x[0]);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
        lanes v = lanes_load(x + j);
        top = lanes_select((v > top) | (v != v), v, top);
    }
    float max = lanes_max(top);
    for (; j < n; j++)
        max = x[j] > max || x[j] != x[j] ? x[j] : max;
    return max;
}

/* exp(x), at most 1.5 ulp on [-87.3, 88.7]; 0 below, infinity above, NaN stays NaN.
 * 2^n e^r with |r| <= ln 2 / 2: Cody and Waite's two-part ln 2, degree-6 Taylor-like polynomial of
 * the Cephes library. */
LANES_INLINE lanes lanes_exp(lanes x) {
    const float round = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */
    lanes t = lanes_fma(x, lanes_set(0x1.715476p0f), lanes_set(round));
    lanes n = t - round;
    lanes r = lanes_fma(n, lanes_set(-0x1.63p-1f), x);
    r = lanes_fma(n, lanes_set(0x1.bd0106p-13f), r);
    lanes p = lanes_set(1.9875691500e-4f);
    p = lanes_fma(p, r, lanes_set(1.3981999507e-3f));
    p = lanes_fma(p, r, lanes_set(8.3334519073e-3f));
    p = lanes_fma(p, r, lanes_set(4.1665795894e-2f));
    p = lanes_fma(p, r, lanes_set(1.6666665459e-1f));
    p = lanes_fma(p, r, lanes_set(5.0000001201e-1f));
    p = lanes_fma(p, r * r, r) + 1.0f;
    /* n as an integer; unsigned, because far outside the range it wraps (and is not used) */
    lanes_uint bits = (lanes_uint)t - 0x4b400000u;
    /* in two factors, so that n = 128 does not overflow while the result is still finite */
    lanes_uint half = (lanes_uint)((lanes_int)bits >> 1);
    lanes two = (lanes)((half + 127u) << 23);
    lanes rest = (lanes)((bits - half + 127u) << 23);
    p = p * two * rest;
    p = lanes_select(x < -87.336544f, lanes_set(0.0f), p);
    p = lanes_select(x > 88.722839f, lanes_set(__builtin_inff()), p);
    return lanes_select(x != x, x, p);
}

#endif
