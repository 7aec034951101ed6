/* blas.h: which BLAS and which GEMM these are, for provenance and doctor; their bits depend on the
 * CPU kernel. */
#ifndef ESPALIER_TENSOR_BLAS_H
#define ESPALIER_TENSOR_BLAS_H

#include <stddef.h>

void blas_describe(char *out, size_t size); /* "OpenBLAS 0.3.21 …, kernel Zen, 1
                                                thread; encoder: native, …" */
int blas_threads(void);
/* One thread, whatever the environment says: a rank is one core, and results depend on the number
 * of threads. Called once by a job's main. */
void blas_single_thread(void);

#endif
