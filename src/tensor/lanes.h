/* lanes.h: vectors of LANES floats for the passes between two GEMMs. Private to tensor, model,
 * linalg and prune.
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

#if defined(__AVX__) && !defined(__AVX512F__)
/* the first n of eight lanes */
LANES_INLINE __m256i lanes_first(int n) {
    static const int32_t WINDOW[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(WINDOW + 8 - n));
}
#endif

/* the first n <= LANES floats; the other lanes are 0, what is behind them in memory is not read */
LANES_INLINE lanes lanes_load_part(const float *p, int n) {
#if defined(__AVX512F__)
    return (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
#elif defined(__AVX__)
    return (lanes)_mm256_maskload_ps(p, lanes_first(n));
#else
    lanes v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
#endif
}

LANES_INLINE void lanes_store_part(float *p, lanes v, int n) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)v);
#elif defined(__AVX__)
    _mm256_maskstore_ps(p, lanes_first(n), (__m256)v);
#else
    memcpy(p, &v, (size_t)n * sizeof *p);
#endif
}

/* the lanes of which a bit is set, side by side; the others are anything */
LANES_INLINE lanes lanes_squeezed(lanes v, uint32_t there) {
#if defined(__AVX512F__)
    return (lanes)_mm512_maskz_compress_ps((__mmask16)there, (__m512)v);
#else
    float out[LANES];
    for (int i = 0, n = 0; i < LANES; i++) {
        out[n] = v[i];
        n += (int)(there >> i & 1u);
    }
    return lanes_load(out);
#endif
}

/* the same to memory: how many; the others' places get anything */
LANES_INLINE int lanes_squeeze(float *p, lanes v, uint32_t there) {
    lanes_store(p, lanes_squeezed(v, there));
    return __builtin_popcount(there);
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

/* to (LANES) float64 becomes v, or gets it added */
LANES_INLINE void lanes_widen(double *to, lanes v, int add) {
#if defined(__AVX512F__)
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v));
    __m512d high =
        _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)v), 1)));
    _mm512_storeu_pd(to, add ? _mm512_add_pd(_mm512_loadu_pd(to), low) : low);
    _mm512_storeu_pd(to + 8, add ? _mm512_add_pd(_mm512_loadu_pd(to + 8), high) : high);
#elif defined(__AVX__)
    __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
    __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
    _mm256_storeu_pd(to, add ? _mm256_add_pd(_mm256_loadu_pd(to), low) : low);
    _mm256_storeu_pd(to + 4, add ? _mm256_add_pd(_mm256_loadu_pd(to + 4), high) : high);
#else
    for (int i = 0; i < LANES; i++)
        to[i] = add ? to[i] + (double)v[i] : (double)v[i];
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

/* 1 / x, at most 1 ulp, for normal x of which the reciprocal is normal too. AVX-512 has an estimate
 * of 14 bits, which one step of Newton makes exact; there that is three times as fast as to divide.
 */
LANES_INLINE lanes lanes_inverse(lanes x) {
#if defined(__AVX512F__)
    lanes y = (lanes)_mm512_rcp14_ps((__m512)x);
    return lanes_fma(y, lanes_fma(-x, y, lanes_set(1.0f)), y);
#else
    return 1.0f / x;
#endif
}

/* where mask is -1 a, where it is 0 b */
LANES_INLINE lanes lanes_select(lanes_int mask, lanes a, lanes b) {
    return (lanes)((mask & (lanes_int)a) | (~mask & (lanes_int)b));
}

/* x where a < b, else y: by a mask register where there are any, which lanes_select is not */
LANES_INLINE lanes lanes_select_less(lanes a, lanes b, lanes x, lanes y) {
#if defined(__AVX512F__)
    return (lanes)_mm512_mask_mov_ps(
        (__m512)y, _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ), (__m512)x);
#else
    return lanes_select(a < b, x, y);
#endif
}

/* the upper half of the lanes onto the lower, until one is left: (LANES / 2, ..., 4, 2, 1) */
#if defined(__AVX__)
LANES_INLINE __m128 lanes_quarter_sum(__m256 v) {
    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}
#endif

LANES_INLINE float lanes_sum(lanes v) {
#if defined(__AVX__)
#if defined(__AVX512F__)
    __m512 w = (__m512)v;
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(w), 1));
    __m128 x = lanes_quarter_sum(_mm256_add_ps(_mm512_castps512_ps256(w), high));
#else
    __m128 x = lanes_quarter_sum((__m256)v);
#endif
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
#else
    return (v[0] + v[2]) + (v[1] + v[3]);
#endif
}

/* the larger, lane by lane; NaN where there is one in either */
LANES_INLINE lanes lanes_larger(lanes a, lanes b) {
    return lanes_select((a > b) | (a != a), a, b);
}

/* NaN if there is one */
LANES_INLINE float lanes_max(lanes v) {
#if defined(__AVX512F__)
    int bad = _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q) != 0;
    return bad ? __builtin_nanf("") : _mm512_reduce_max_ps((__m512)v);
#else
    float m = v[0];
    for (int i = 1; i < LANES; i++)
        m = v[i] > m || v[i] != v[i] ? v[i] : m;
    return m;
#endif
}

/* largest of n >= 1 floats; NaN if there is one */
LANES_INLINE float lanes_row_max(const float *x, int n) {
    lanes top = lanes_set(x[0]);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
        top = lanes_larger(lanes_load(x + j), top);
    }
    if (n >= LANES) { /* the last vector may overlap the one before it */
        top = lanes_larger(lanes_load(x + n - LANES), top);
        j = n;
    }
    float max = lanes_max(top);
    for (; j < n; j++) /* fewer than LANES in all */
        max = x[j] > max || x[j] != x[j] ? x[j] : max;
    return max;
}

/* exp(x), at most 1.5 ulp on [-87.3, 88.7]; 0 below, infinity above, NaN stays NaN.
 * 2^n e^r with |r| <= ln 2 / 2: Cody and Waite's two-part ln 2, degree-6 Taylor-like polynomial of
 * the Cephes library. */
LANES_INLINE lanes lanes_exp(lanes x) {
    const float round = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */
#if defined(__AVX512F__)
    x = (lanes)_mm512_min_ps(_mm512_set1_ps(128.0f), (__m512)x); /* NaN stays: it is the second */
#endif
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
#if defined(__AVX512F__)
    /* p 2^n in one instruction; what is too small is 0 by its mask, NaN passes */
    __mmask16 there = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.336544f), _CMP_NLT_UQ);
    return (lanes)_mm512_maskz_scalef_ps(there, (__m512)p, (__m512)n);
#else
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
#endif
}

#endif
