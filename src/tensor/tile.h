/* tile.h: the shape of a product's tile in registers, and its one instruction. For the products
 * that read panels: of gemm_native.c, of pruning. */
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

/* sum0 += *a b0, sum1 += *a b1, row i of a tile. With AVX-512 a multiply-add can broadcast its
 * factor itself. Of two such instructions each loads it once more: 30 loads a step of a tile of 14
 * rows, where two a cycle go beside 28 multiply-adds. A broadcast of its own is one load less, but
 * one instruction more, and those are what limits a core that two threads share. So rows take
 * turns. */
#if defined(__AVX512F__)
#define FMA_BROADCAST(sum, a, b)                                                                   \
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(b), "m"(*(a)))
LANES_INLINE lanes tile_broadcast(const float *a) {
    lanes f;
    __asm__("vbroadcastss %1, %0" : "=v"(f) : "m"(*a)); /* the compiler would fold it in again */
    return f;
}
#define FMA_BROADCAST_PAIR(i, sum0, sum1, a, b0, b1)                                               \
    do {                                                                                           \
        if ((i) % 2) {                                                                             \
            lanes factor = tile_broadcast(a);                                                      \
            (sum0) = lanes_fma(factor, (b0), (sum0));                                              \
            (sum1) = lanes_fma(factor, (b1), (sum1));                                              \
        } else {                                                                                   \
            FMA_BROADCAST(sum0, a, b0);                                                            \
            FMA_BROADCAST(sum1, a, b1);                                                            \
        }                                                                                          \
    } while (0)
#else
#define FMA_BROADCAST_PAIR(i, sum0, sum1, a, b0, b1)                                               \
    do {                                                                                           \
        lanes factor = lanes_set(*(a));                                                            \
        (sum0) = lanes_fma(factor, (b0), (sum0));                                                  \
        (sum1) = lanes_fma(factor, (b1), (sum1));                                                  \
    } while (0)
#endif

#endif
