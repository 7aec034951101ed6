/* The GEMM of oneDNN behind gemm.h: make GEMM=onednn. */
#include "tensor/gemm.h"

#include "tensor/gemm_bfloat16.h"

#include <dnnl.h>
#include <math.h>
#include <stddef.h>

void gemm(const gemm_call *g) {
    if (g->p == BFLOAT16) {
        gemm_bfloat16(g);
        return;
    }
    dnnl_status_t s =
        dnnl_sgemm(g->a.transposed ? 'T' : 'N', g->b.transposed ? 'T' : 'N', g->M, g->N, g->K, 1.0f,
                   g->a.x, g->a.ld, g->b.x, g->b.ld, g->add ? 1.0f : 0.0f, g->c, g->ldc);
    /* It fails on arguments that make no sense and out of memory. There is no error to return from
     * here: NaN is seen by whoever reads C. */
    for (int i = 0; s != dnnl_success && i < g->M; i++)
        for (int j = 0; j < g->N; j++)
            g->c[(size_t)i * (size_t)g->ldc + (size_t)j] = NAN;
    if (g->tail)
        g->tail(g->state, 0, 0, g->M, g->N);
}

int gemm_rows_independent(void) {
    return 0;
}

const char *gemm_describe(void) {
    return "onednn";
}
