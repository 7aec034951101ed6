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

/* sum += *a b. With AVX-512 the broadcast is part of the multiply-add: a third fewer instructions
 * than with one of its own, and they are what limits a core that two threads share. */
#if defined(__AVX512F__)
#define FMA_BROADCAST(sum, a, b)                                                                   \
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(b), "m"(*(a)))
#else
#define FMA_BROADCAST(sum, a, b) ((sum) = lanes_fma(lanes_set(*(a)), (b), (sum)))
#endif

#endif
