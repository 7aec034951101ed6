/* gemm_bfloat16.h: products of bfloat16: of operands rounded to it, or of float32 operands as three
 * pieces each. Private to the GEMM back ends. */
#ifndef ESPALIER_TENSOR_GEMM_BFLOAT16_H
#define ESPALIER_TENSOR_GEMM_BFLOAT16_H

#include "tensor/gemm.h"

/* By AMX tiles where the CPU and the kernel offer them, else by dot products of pairs
 * (avx512_bf16). Terms of an element are added in the same order wherever it stands. Only where
 * gemm_has_bfloat16. */
void gemm_bfloat16(const gemm_call *g);

/* Of float32 operands, by AMX tiles. Only where amx_used. */
void gemm_pieces(const gemm_call *g);

/* The same by dot products of pairs, for the tests that compare the two. */
void gemm_bfloat16_pairs(const gemm_call *g);
void gemm_pieces_pairs(const gemm_call *g);

const char *gemm_bfloat16_way(void); /* "amx", "avx512_bf16", "none" */

#endif
