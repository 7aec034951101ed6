/* tile.h: the shape of a product's tile in registers, and one term of it. For the products that
 * read panels: of gemm_native.c, of linalg/chained.c, of pruning. */
#ifndef ESPALIER_TENSOR_TILE_H
#define ESPALIER_TENSOR_TILE_H

#include "tensor/lanes.h"

/* TILE_ROWS x 2 accumulators, beside two vectors of a panel and one factor */
#if LANES == 16
enum { TILE_ROWS = 14 };
#elif LANES == 8
enum { TILE_ROWS = 6 };
#else
enum { TILE_ROWS = 4 };
#endif
enum { TILE_COLS = 2 * LANES };

/* One term of all elements of a tile: sum (rows, 2) += a column of the left panel, a, times a row
 * of the right one, b (TILE_COLS). rows is a constant wherever this is inlined.
 *
 * With AVX-512 a multiply-add can broadcast its factor itself. Of two such instructions each loads
 * it once more: 30 loads a term of a tile of 14 rows, where two a cycle go beside 28 multiply-adds.
 * A broadcast of its own is one load less, but one instruction more, and those are what limits a
 * core that two threads share. So rows take turns; in assembly, as the compiler would fold the
 * broadcast in again. */
LANES_INLINE void tile_term(const int rows, lanes sum[TILE_ROWS][2], const float *a,
                            const float *b) {
    lanes b0 = lanes_load(b), b1 = lanes_load(b + LANES);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
#if defined(__AVX512F__)
        if (i % 2 == 0) {
            __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum[i][0]) : "v"(b0), "m"(a[i]));
            __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum[i][1]) : "v"(b1), "m"(a[i]));
            continue;
        }
        lanes factor;
        __asm__("vbroadcastss %1, %0" : "=v"(factor) : "m"(a[i]));
#else
        lanes factor = lanes_set(a[i]);
#endif
        sum[i][0] = lanes_fma(factor, b0, sum[i][0]);
        sum[i][1] = lanes_fma(factor, b1, sum[i][1]);
    }
}

#endif
