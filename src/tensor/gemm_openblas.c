/* The GEMM of OpenBLAS behind gemm.h: make GEMM=openblas. */
#include "tensor/gemm.h"

#include "tensor/gemm_bfloat16.h"

#include <cblas.h>

void gemm(const gemm_call *g) {
    if (g->p == BFLOAT16) {
        gemm_bfloat16(g);
        return;
    }
    cblas_sgemm(CblasRowMajor, g->a.transposed ? CblasTrans : CblasNoTrans,
                g->b.transposed ? CblasTrans : CblasNoTrans, g->M, g->N, g->K, 1.0f, g->a.x,
                g->a.ld, g->b.x, g->b.ld, g->add ? 1.0f : 0.0f, g->c, g->ldc);
    if (g->tail)
        g->tail(g->state, 0, 0, g->M, g->N);
}

int gemm_rows_independent(void) {
    return 0;
}

const char *gemm_describe(void) {
    return "openblas";
}
