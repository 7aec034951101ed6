/* amx.h: the CPU's matrix unit. Private to tensor, linalg and prune, but for
 * amx_use.
 *
 * Eight tile registers of 16 rows of 64 bytes; one instruction adds the product of a tile of 16 x
 * 32 bfloat16 and one of 32 x 16 (as 16 rows of pairs) to a tile of 16 x 16 float32, sixteen times
 * the rate of float32 multiply-adds. Terms are added in the order of the pairs; numbers below
 * 2^-126 count as zero, in and out. */
#ifndef ESPALIER_TENSOR_AMX_H
#define ESPALIER_TENSOR_AMX_H

#if (defined(__AMX_BF16__) || defined(__AMXBF16__)) && defined(__AVX512BF16__)
#define AMX_BUILT 1
#include <immintrin.h>
#endif

/* 1 if the build, the CPU and the kernel offer it: Linux hands out the tile registers only to
 * processes that ask for them, which the first call does. */
int amx_here(void);

/* Whether products use it: 1 where amx_here, until amx_use(0). Bits depend on it, so every rank
 * must say the same, before its first product. */
int amx_used(void);
void amx_use(int use);

/* All eight tiles 16 rows of 64 bytes, until amx_close. Only where amx_used. */
void amx_open(void);
void amx_close(void);

#endif
