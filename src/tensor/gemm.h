/* gemm.h: matrix products, the one place in which the encoder multiplies matrices.
 *
 * Three back ends, chosen at build time (make GEMM=native|openblas|onednn), one interface. native,
 * the default, is our own: packed panels, a tile of C in registers, a tail applied to each tile
 * while it is in the first-level cache; the others are cblas_sgemm and dnnl_sgemm, then the tail.
 *
 * Where a matrix unit is used (amx.h), native multiplies float32 on it if the sum has DEEP_TERMS
 * terms or more (of a wide product of a transposed A, 48): every operand as the exact sum of three
 * bfloat16 (pieces.h), six products for one, float32 sums. As near to the exact product as
 * multiply-adds of vectors and two to three times as fast, but not their bits.
 *
 * native adds the terms of every element of C in the same order wherever the element stands: a row
 * of C has the same bits whatever other rows are computed with it. The two libraries do not promise
 * that. None of them allocates; native uses up to 1 MiB of stack. Not collective. */
#ifndef ESPALIER_TENSOR_GEMM_H
#define ESPALIER_TENSOR_GEMM_H

/* Operands of a product: float32, or rounded to bfloat16 (nearest, ties to even) on the way into
 * the product with float32 sums. bfloat16 needs avx512_bf16 or amx_bf16: see gemm_has_bfloat16. */
typedef enum precision { FLOAT32, BFLOAT16 } precision;

enum { DEEP_TERMS = 128 }; /* below, packing costs more than the matrix unit gains */

/* x holds the matrix by rows with leading dimension ld, or its transpose. */
typedef struct gemm_operand {
    const float *x;
    int ld;
    int transposed;
} gemm_operand;

/* Called once for every piece of C, when its rows [row, row + rows) and columns [col, col + cols)
 * are final; the pieces tile C, those of the same columns come in the order of their rows. */
typedef void (*gemm_tail)(void *state, int row, int col, int rows, int cols);

typedef struct gemm_call {
    int M, N, K;
    gemm_operand a, b; // (M, K), (K, N)
    float *c;          // (M, N), leading dimension ldc
    int ldc;
    int add; /* C += A B; 0: C = A B */
    precision p;
    gemm_tail tail; /* NULL: none */
    void *state;
} gemm_call;

void gemm(const gemm_call *g);

/* 1 if this CPU (and this build's ARCH) multiplies bfloat16 */
int gemm_has_bfloat16(void);

/* 1 if a row of a float32 product has the same bits whatever other rows are computed with it: of
 * the back ends native promises that, for an A that is not transposed. */
int gemm_rows_independent(void);

/* the back end and its kernel, for provenance and doctor */
const char *gemm_describe(void);

#endif
