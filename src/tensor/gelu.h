/* gelu.h: gelu(x) = x Phi(x) = max(x, 0) - |x| Phi(-|x|) and its slope Phi(x) + x phi(x), a vector
 * at a time. Private to activation.c. */
#ifndef ESPALIER_TENSOR_GELU_H
#define ESPALIER_TENSOR_GELU_H

#include "tensor/lanes.h"

#if LANES == 16

/* In fifteen pieces of width 0.4 of |x|, the last one zero, polynomials of degree 5 around their
 * middles: one permutation picks a coefficient for sixteen inputs. Chebyshev interpolants of
 * Phi(-a), absolute error 3e-8, and of Phi(-a) - a phi(a), which is gelu's slope at -a, 6e-8, both
 * that of float32; at 5.8, where they become 0, they are 3e-9 and -1e-7. */
enum { GELU_TERMS = 6 };

/* clang-format off */
static const float GELU_TAIL[GELU_TERMS][LANES] = {
    {5.00000000e-01f, 3.44578266e-01f, 2.11855397e-01f, 1.15069665e-01f,
     5.47992885e-02f, 2.27501281e-02f, 8.19753390e-03f, 2.55512982e-03f,
     6.87138177e-04f, 1.59108880e-04f, 3.16713995e-05f, 5.41260260e-06f,
     7.93344782e-07f, 9.96479770e-08f, 1.07182601e-08f, 0},
    {-3.98942262e-01f, -3.68270129e-01f, -2.89691567e-01f, -1.94186062e-01f,
     -1.10920832e-01f, -5.39909638e-02f, -2.23945268e-02f, -7.91544933e-03f,
     -2.38408777e-03f, -6.11901982e-04f, -1.33830370e-04f, -2.49425502e-05f,
     -3.96132691e-06f, -5.36110861e-07f, -6.18277056e-08f, 0},
    {3.92816654e-15f, 7.36515746e-02f, 1.15874030e-01f, 1.16510853e-01f,
     8.87375548e-02f, 5.39921708e-02f, 2.68740673e-02f, 1.10816872e-02f,
     3.81437573e-03f, 1.10127660e-03f, 2.67585885e-04f, 5.48463067e-05f,
     9.49952755e-06f, 1.39218298e-06f, 1.72810417e-07f, 0},
    {6.64887279e-02f, 5.15569858e-02f, 1.73821226e-02f, -1.42391492e-02f,
     -2.88388431e-02f, -2.69956440e-02f, -1.77667122e-02f, -9.02383868e-03f,
     -3.67153156e-03f, -1.21968647e-03f, -3.34539829e-04f, -7.63066346e-05f,
     -1.45453032e-05f, -2.32518096e-06f, -3.12535292e-07f, 0},
    {-1.65118177e-13f, -1.72675494e-02f, -2.26158090e-02f, -1.50945047e-02f,
     -3.31299403e-03f, 4.41858312e-03f, 6.13866746e-03f, 4.46587987e-03f,
     2.31245463e-03f, 9.23962332e-04f, 2.94928032e-04f, 7.66152152e-05f,
     1.63812001e-05f, 2.90429875e-06f, 4.29207660e-07f, 0},
    {-9.89085808e-03f, -6.29747426e-03f, 1.00741163e-03f, 5.71300881e-03f,
     5.33834519e-03f, 2.25773919e-03f, -2.82571389e-04f, -1.13818387e-03f,
     -9.20402061e-04f, -4.77151858e-04f, -1.83569602e-04f, -5.52495731e-05f,
     -1.33517842e-05f, -2.63022889e-06f, -4.26491056e-07f, 0}};

static const float GELU_SLOPE[GELU_TERMS][LANES] = {
    {5.00000000e-01f, 1.97270244e-01f, -1.98978130e-02f, -1.17953599e-01f,
     -1.22674063e-01f, -8.52318108e-02f, -4.55493331e-02f, -1.96081269e-02f,
     -6.94193970e-03f, -2.04373710e-03f, -5.03649819e-04f, -1.04334642e-04f,
     -1.82210642e-05f, -2.68814529e-06f, -3.35521435e-07f, 0},
    {-7.97884524e-01f, -6.77617014e-01f, -3.93980533e-01f, -1.08744226e-01f,
     6.21156655e-02f, 1.07981950e-01f, 8.42034444e-02f, 4.62262332e-02f,
     1.96448807e-02f, 6.70644175e-03f, 1.87362218e-03f, 4.33001376e-04f,
     8.33459053e-05f, 1.34241127e-05f, 1.81524092e-06f, 0},
    {6.00935529e-15f, 2.82812834e-01f, 3.89329582e-01f, 2.98270583e-01f,
     1.27791122e-01f, 6.99156681e-06f, -4.72969748e-02f, -4.25558984e-02f,
     -2.38044057e-02f, -9.86916665e-03f, -3.21180513e-03f, -8.42703157e-04f,
     -1.80941948e-04f, -3.20912477e-05f, -4.73080217e-06f, 0},
    {2.65948325e-01f, 1.78335741e-01f, -3.39165772e-03f, -1.29655644e-01f,
     -1.36179969e-01f, -7.19918087e-02f, -1.17316442e-02f, 1.39647210e-02f,
     1.47732273e-02f, 8.28582887e-03f, 3.30125704e-03f, 1.01133645e-03f,
     2.46592012e-04f, 4.87578764e-05f, 7.90817467e-06f, 0},
    {-2.88785217e-13f, -9.85900760e-02f, -1.08729452e-01f, -4.11597900e-02f,
     2.59782560e-02f, 4.45255898e-02f, 2.72641163e-02f, 6.41860813e-03f,
     -3.13646044e-03f, -3.95616749e-03f, -2.19392823e-03f, -8.32598831e-04f,
     -2.38931694e-04f, -5.40320616e-05f, -9.84103008e-06f, 0},
    {-5.91805763e-02f, -3.11816446e-02f, 1.97834596e-02f, 4.04136963e-02f,
     2.25659590e-02f, -2.50611408e-03f, -1.17953494e-02f, -7.88468867e-03f,
     -2.02074181e-03f, 6.49164955e-04f, 8.84388341e-04f, 4.65121266e-04f,
     1.63534831e-04f, 4.29890861e-05f, 8.83944631e-06f, 0}};
/* clang-format on */

/* where |x| lies */
typedef struct gelu_place {
    lanes a, r;    /* |x|, at most 6; its distance from the middle of the piece */
    __m512i piece; /* its low four bits */
} gelu_place;

LANES_INLINE gelu_place gelu_find(lanes x) {
    const float round = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */
    gelu_place p;
    p.a = (lanes)_mm512_min_ps(_mm512_abs_ps((__m512)x), _mm512_set1_ps(6.0f));
    lanes t = lanes_fma(p.a, lanes_set(2.5f), lanes_set(round));
    p.r = lanes_fma(t - round, lanes_set(-0.4f), p.a);
    p.piece = (__m512i)t;
    return p;
}

LANES_INLINE lanes gelu_table(const float table[GELU_TERMS][LANES], gelu_place p) {
    lanes y = (lanes)_mm512_permutexvar_ps(p.piece, _mm512_loadu_ps(table[GELU_TERMS - 1]));
#pragma GCC unroll 8
    for (int k = GELU_TERMS - 2; k >= 0; k--)
        y = lanes_fma(y, p.r, (lanes)_mm512_permutexvar_ps(p.piece, _mm512_loadu_ps(table[k])));
    return y;
}

LANES_INLINE lanes gelu_at(gelu_place p, lanes x) {
    lanes positive = (lanes)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x); /* NaN stays */
    return lanes_fma(-p.a, gelu_table(GELU_TAIL, p), positive);
}

LANES_INLINE lanes gelu_of(lanes x) {
    return gelu_at(gelu_find(x), x);
}

LANES_INLINE lanes gelu_and_slope(lanes x, lanes *slope) {
    gelu_place p = gelu_find(x);
    lanes below = gelu_table(GELU_SLOPE, p);
    *slope = lanes_select(x < 0.0f, below, 1.0f - below);
    return gelu_at(p, x);
}

#else

/* Phi(x) and its density from one exponential. For a = |x|, Phi(-a) = exp(-a^2 / 2) M(a), where M
 * is Mills' ratio over sqrt(2 pi); M(a) = t P(t) with t = 1 / (1 + 0.24 a), P the degree-9
 * Chebyshev interpolant on 0 <= a <= 14 (relative error 4e-9; computed from erfc in extended
 * precision). */
LANES_INLINE void normal(lanes *cdf, lanes *density, lanes x) {
    lanes a = (lanes)((lanes_int)x & 0x7fffffff);
    a = lanes_select(a > 64.0f, lanes_set(64.0f), a); /* where the tail is 0 anyway */
    lanes t = lanes_inverse(lanes_fma(a, lanes_set(0.24f), lanes_set(1.0f)));
    lanes e = lanes_exp(x * x * -0.5f);
    lanes p = lanes_set(2.5598603423e-02f);
    p = lanes_fma(p, t, lanes_set(-1.2507567516e-01f));
    p = lanes_fma(p, t, lanes_set(2.0662138000e-01f));
    p = lanes_fma(p, t, lanes_set(-1.4594757874e-01f));
    p = lanes_fma(p, t, lanes_set(1.4297962717e-01f));
    p = lanes_fma(p, t, lanes_set(2.7260534339e-02f));
    p = lanes_fma(p, t, lanes_set(8.8097518190e-02f));
    p = lanes_fma(p, t, lanes_set(8.8856753035e-02f));
    p = lanes_fma(p, t, lanes_set(9.5867321875e-02f));
    p = lanes_fma(p, t, lanes_set(9.5741517294e-02f));
    lanes tail = e * p * t;
    *cdf = lanes_select(x < 0.0f, tail, 1.0f - tail);
    *density = e * 0.3989422804f; /* 1 / sqrt(2 pi) */
}

LANES_INLINE lanes gelu_of(lanes x) {
    lanes cdf, density;
    normal(&cdf, &density, x);
    return x * cdf;
}

LANES_INLINE lanes gelu_and_slope(lanes x, lanes *slope) {
    lanes cdf, density;
    normal(&cdf, &density, x);
    *slope = lanes_fma(x, density, cdf);
    return x * cdf;
}

#endif
#endif
