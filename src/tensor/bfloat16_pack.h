/* bfloat16_pack.h: operands of a product cut into panels of bfloat16. Private to gemm_bfloat16.
 *
 * A panel of A is 32 rows, of B 32 columns. Both are cut into steps of 32 terms of the sum, and
 * each step holds either the numbers rounded (n = 1) or their three pieces one after the other
 * (n = 3, see pieces.h):
 *
 *   A  (step, n, 32 rows, 16 words)               row by row
 *   B  (step, n, 2 halves, 16 words, 16 columns)
 *
 * which is what AMX tiles hold, and what a dot product of pairs reads as well. Word q of a step
 * holds its terms q (low half) and q + 16. What lies outside the matrix is zero. */
#ifndef ESPALIER_TENSOR_BFLOAT16_PACK_H
#define ESPALIER_TENSOR_BFLOAT16_PACK_H

#include "tensor/gemm_pack.h"
#include "tensor/pieces.h"

#if defined(__AVX512BF16__)

enum {
    SIDE = 32,
    STEP = 32,
    PIECE = SIDE * STEP / 2 /* words of one piece of a step */
};

typedef uint32_t word; /* two bfloat16 */

LANES_INLINE lanes load_terms(const float *x, int n) {
    return n >= LANES ? lanes_load(x) : n > 0 ? lanes_load_part(x, n) : lanes_set(0.0f);
}

/* rounded to nearest, ties to even, in the upper half of each word */
LANES_INLINE __m512i round_even(lanes x) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)x)), 16);
}

/* 16 words of first and second, of every piece */
LANES_INLINE void put_words(word *out, lanes first, lanes second, const int n) {
    if (n == 1) {
        _mm512_storeu_si512(out, pieces_join(round_even(first), round_even(second)));
        return;
    }
    pieces x = pieces_of(first), y = pieces_of(second);
    _mm512_storeu_si512(out, pieces_join(x.high, y.high));
    _mm512_storeu_si512(out + PIECE, pieces_join(x.middle, y.middle));
    _mm512_storeu_si512(out + 2 * PIECE, pieces_join(x.low, y.low));
}

/* 16 rows of x, ld apart: m of them are there, n floats of each */
LANES_INLINE void load_block(lanes v[16], const float *x, size_t ld, int m, int n) {
    if (m >= 16 && n >= LANES) {
        for (int i = 0; i < 16; i++, x += ld) {
            __builtin_prefetch(x + STEP * ld);
            v[i] = lanes_load(x);
        }
        return;
    }
    for (int i = 0; i < 16; i++)
        v[i] = i < m ? load_terms(x + (size_t)i * ld, n) : lanes_set(0.0f);
}

/* 16 rows of a step of a transposed A from row on: m rows and k terms are there */
LANES_INLINE void pack_rows(word *out, gemm_operand a, int row, int m, int p, int k, const int n) {
    size_t ld = (size_t)a.ld;
    lanes low[16], high[16];
    const float *x = a.x + (size_t)p * ld + (size_t)row;
    load_block(low, x, ld, k, m);
    load_block(high, x + 16 * ld, ld, k - 16, m);
    lanes_transpose(low);
    lanes_transpose(high);
    for (int i = 0; i < 16; i++)
        put_words(out + i * 16, low[i], high[i], n);
}

/* 16 columns of a step of B from col on: m columns and k terms are there */
LANES_INLINE void pack_columns(word *out, gemm_operand b, int p, int k, int col, int m,
                               const int n) {
    size_t ld = (size_t)b.ld;
    lanes low[16], high[16];
    if (b.transposed) {
        const float *x = b.x + (size_t)col * ld + (size_t)p;
        load_block(low, x, ld, m, k);
        load_block(high, x + 16, ld, m, k - 16);
        lanes_transpose(low);
        lanes_transpose(high);
    } else {
        const float *x = b.x + (size_t)p * ld + (size_t)col;
        load_block(low, x, ld, k, m);
        load_block(high, x + 16 * ld, ld, k - 16, m);
    }
    for (int q = 0; q < 16; q++)
        put_words(out + q * 16, low[q], high[q], n);
}

/* A row of A, all its k terms: in the order in which it lies in memory, rows to come fetched
 * meanwhile. */
LANES_INLINE void pack_row(word *out, const float *x, size_t ld, int k, const int n) {
    enum { AHEAD = 4 };
    int q = 0;
    for (; q + STEP <= k; q += STEP, out += n * PIECE) {
        __builtin_prefetch(x + AHEAD * ld + q);
        __builtin_prefetch(x + AHEAD * ld + q + 16);
        put_words(out, lanes_load(x + q), lanes_load(x + q + 16), n);
    }
    if (q < k)
        put_words(out, load_terms(x + q, k - q), load_terms(x + q + 16, k - q - 16), n);
}

/* a row that is not there */
LANES_INLINE void clear_row(word *out, int k, const int n) {
    for (int q = 0; q < k; q += STEP, out += n * PIECE)
        put_words(out, lanes_set(0.0f), lanes_set(0.0f), n);
}

/* m rows from row on, k terms from p on, panels `panel` words apart. In the order in which they lie
 * in memory: by rows row after row, by terms step after step. */
LANES_INLINE void pack_block_a(word *out, size_t panel, gemm_operand a, int row, int m, int p,
                               int k, const int n) {
    int all = (m + SIDE - 1) / SIDE * SIDE;
    const float *x = a.x + (size_t)row * (size_t)a.ld + (size_t)p;
    for (int i = 0; !a.transposed && i < all; i++, x += a.ld) {
        word *to = out + (size_t)(i / SIDE) * panel + i % SIDE * 16;
        if (i < m)
            pack_row(to, x, (size_t)a.ld, k, n);
        else
            clear_row(to, k, n);
    }
    for (int q = 0; a.transposed && q < k; q += STEP)
        for (int i = 0; i < all; i += 16)
            pack_rows(out + (size_t)(i / SIDE) * panel + (size_t)(q / STEP * n * PIECE) +
                          i % SIDE * 16,
                      a, row + i, m - i, p + q, k - q, n);
}

LANES_INLINE void pack_panel_b(word *out, gemm_operand b, int p, int k, int col, int m,
                               const int n) {
    for (int q = 0; q < k; q += STEP, out += n * PIECE)
        for (int j = 0; j < SIDE; j += 16)
            pack_columns(out + j * 16, b, p + q, k - q, col + j, m - j, n);
}

#endif
#endif
