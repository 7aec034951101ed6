/* gemm_pack.h: operands of a product cut into panels. Private to the native GEMM.
 *
 * A panel of A holds TILE_ROWS rows column by column, one vector a column (k, LANES), a panel of B
 * TILE_COLS columns row by row (k, TILE_COLS). What lies outside the matrix is zero in B; in A it
 * is never used. */
#ifndef ESPALIER_TENSOR_GEMM_PACK_H
#define ESPALIER_TENSOR_GEMM_PACK_H

#include "tensor/gemm.h"
#include "tensor/tile.h"

#include <stddef.h>

#if LANES == 16
LANES_INLINE void lanes_transpose(lanes v[LANES]) {
    __m512 r[16], t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps((__m512)v[i], (__m512)v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps((__m512)v[i], (__m512)v[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            __m512d a = (__m512d)t[i + j], b = (__m512d)t[i + j + 2];
            r[i + 2 * j] = (__m512)_mm512_unpacklo_pd(a, b);
            r[i + 2 * j + 1] = (__m512)_mm512_unpackhi_pd(a, b);
        }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 16; j += 8) {
            t[i + j] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0x88);
            t[i + j + 4] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0xdd);
        }
    for (int i = 0; i < 8; i++) {
        v[i] = (lanes)_mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        v[i + 8] = (lanes)_mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}
#elif LANES == 8
LANES_INLINE void lanes_transpose(lanes v[LANES]) {
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps((__m256)v[i], (__m256)v[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps((__m256)v[i], (__m256)v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            __m256d a = (__m256d)t[i + j], b = (__m256d)t[i + j + 2];
            r[i + 2 * j] = (__m256)_mm256_unpacklo_pd(a, b);
            r[i + 2 * j + 1] = (__m256)_mm256_unpackhi_pd(a, b);
        }
    for (int i = 0; i < 4; i++) {
        v[i] = (lanes)_mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        v[i + 4] = (lanes)_mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
}
#else
LANES_INLINE void lanes_transpose(lanes v[LANES]) {
    for (int i = 0; i < LANES; i++)
        for (int j = i + 1; j < LANES; j++) {
            float x = v[i][j];
            v[i][j] = v[j][i];
            v[j][i] = x;
        }
}
#endif

/* LANES rows of n <= LANES floats as n rows of LANES floats, ld_out apart: rows that are not there
 * become zeros; one must be there */
LANES_INLINE void pack_transposed(float *out, size_t ld_out, const float *x, size_t ld, int rows,
                                  int n) {
    lanes v[LANES];
    for (int i = 0; i < LANES; i++) {
        const float *row = x + (size_t)(i < rows ? i : 0) * ld;
        v[i] = n == LANES ? lanes_load(row) : lanes_load_part(row, n);
        if (i >= rows)
            v[i] = lanes_set(0.0f);
    }
    lanes_transpose(v);
    for (int k = 0; k < n; k++)
        lanes_store(out + (size_t)k * ld_out, v[k]);
}

/* Panels of the transpose of x: k rows of m floats, ld apart. Several panels at a time: what a row
 * has for them is more than a line, and the lines of rows to come are fetched meanwhile. */
LANES_INLINE void pack_a_transposed(float *out, const float *x, size_t ld, int m, int k) {
    enum { PANELS = 9, AHEAD = 12 };
    size_t panel = (size_t)k * LANES;
    for (int i = 0; i < m;
         i += PANELS * TILE_ROWS, x += PANELS * TILE_ROWS, out += PANELS * panel) {
        int n = m - i < PANELS * TILE_ROWS ? m - i : PANELS * TILE_ROWS;
        for (int q = 0; q < k; q++) {
            const float *row = x + (size_t)q * ld, *later = row + (q + AHEAD < k ? AHEAD * ld : 0);
            for (int j = 0; j < n; j += LANES)
                __builtin_prefetch(later + j);
            for (int j = 0; j < n; j += TILE_ROWS)
                lanes_store(out + (size_t)(j / TILE_ROWS) * panel + (size_t)q * LANES,
                            lanes_load_part(row + j, n - j < TILE_ROWS ? n - j : TILE_ROWS));
        }
    }
}

/* Rows row .. row + m and columns p .. p + k of A, panel after panel. */
LANES_INLINE void pack_a(float *out, gemm_operand a, int row, int m, int p, int k) {
    size_t ld = (size_t)a.ld;
    if (a.transposed) {
        pack_a_transposed(out, a.x + (size_t)p * ld + (size_t)row, ld, m, k);
        return;
    }
    for (int i = 0; i < m; i += TILE_ROWS, out += (size_t)k * LANES) {
        int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS, q = 0;
        int coming = m - i - TILE_ROWS < TILE_ROWS ? 0 : TILE_ROWS;
        const float *x = a.x + (size_t)(row + i) * ld + (size_t)p;
        for (; q + LANES <= k; q += LANES) {
            for (int j = 0; j < coming; j++)
                __builtin_prefetch(x + (size_t)(TILE_ROWS + j) * ld + q);
            pack_transposed(out + (size_t)q * LANES, LANES, x + q, ld, rows, LANES);
        }
        if (q < k)
            pack_transposed(out + (size_t)q * LANES, LANES, x + q, ld, rows, k - q);
    }
}

/* Rows p .. p + k and the TILE_COLS (at most n) columns from col of B. */
LANES_INLINE void pack_b(float *out, gemm_operand b, int p, int k, int col, int n) {
    size_t ld = (size_t)b.ld;
    if (b.transposed) {
        for (int j = 0; j < TILE_COLS; j += LANES) {
            int rows = n - j < 0 ? 0 : n - j < LANES ? n - j : LANES, q = 0;
            const float *x = b.x + (size_t)(rows ? col + j : 0) * ld + (size_t)p;
            for (; q + LANES <= k; q += LANES)
                pack_transposed(out + (size_t)q * TILE_COLS + j, TILE_COLS, x + q, ld, rows, LANES);
            if (q < k)
                pack_transposed(out + (size_t)q * TILE_COLS + j, TILE_COLS, x + q, ld, rows, k - q);
        }
        return;
    }
    const float *x = b.x + (size_t)p * ld + (size_t)col;
    if (n >= TILE_COLS) {
        for (int q = 0; q < k; q++, x += ld, out += TILE_COLS) {
            lanes_store(out, lanes_load(x));
            lanes_store(out + LANES, lanes_load(x + LANES));
        }
        return;
    }
    for (int q = 0; q < k; q++, x += ld, out += TILE_COLS)
        for (int j = 0; j < TILE_COLS; j++)
            out[j] = j < n ? x[j] : 0.0f;
}

#endif
