#include "tensor/blas.h"

#include "tensor/gemm.h"
#include "tensor/gemm_bfloat16.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char CHOICE[] = "OPENBLAS_CORETYPE"; /* OpenBLAS reads it when it is loaded */

static int one_of(const char *name, const char *const *names) {
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

const char *blas_better_kernel(const char *now) {
#if defined(__x86_64__)
    static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
    static const char *const middle[] = {"Haswell", "Zen", NULL};
    if (one_of(now, wide))
        return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return "SKYLAKEX";
    if (!one_of(now, middle) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "HASWELL";
#endif
    (void)now;
    return NULL;
}

void blas_start(char **argv) {
    const char *better = blas_better_kernel(openblas_get_corename());
    if (!better || getenv(CHOICE) || setenv(CHOICE, better, 1) != 0)
        return;
    execv("/proc/self/exe", argv);
}

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
