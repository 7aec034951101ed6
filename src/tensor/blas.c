#include "tensor/blas.h"

#include "tensor/gemm.h"
#include "tensor/gemm_bfloat16.h"

#include <cblas.h>
#include <stdio.h>

int blas_threads(void) {
    return openblas_get_num_threads();
}

void blas_single_thread(void) {
    openblas_set_num_threads(1);
}

void blas_describe(char *out, size_t size) {
    int threads = blas_threads();
    snprintf(out, size, "%s, kernel %s, %d thread%s; encoder: %s, bfloat16 by %s",
             openblas_get_config(), openblas_get_corename(), threads, threads == 1 ? "" : "s",
             gemm_describe(), gemm_bfloat16_way());
}
