/* blas.h: which BLAS and which GEMM these are, for provenance and doctor; their bits depend on the
 * CPU kernel. */
#ifndef ESPALIER_TENSOR_BLAS_H
#define ESPALIER_TENSOR_BLAS_H

#include <stddef.h>

void blas_describe(char *out, size_t size); /* "OpenBLAS 0.3.21 …, kernel Zen, 1
                                                thread; encoder: native, …" */
int blas_threads(void);

/* OpenBLAS takes a CPU that is newer than itself for one of long ago: its kernel is then several
 * times slower than the CPU allows. The name of the kernel that it has for this width of vectors,
 * where `now`, the name of the one in use, is for narrower ones; NULL: it is as wide as it can. */
const char *blas_better_kernel(const char *now);
/* The first call of main: starts the program anew with the better kernel, if there is one and the
 * environment has no OPENBLAS_CORETYPE, which alone decides then. Returns where all is well, and
 * where the program cannot be started anew. */
void blas_start(char **argv);

/* One thread, whatever the environment says: a rank is one core, and results depend on the number
 * of threads. Called once by a job's main. */
void blas_single_thread(void);

#endif
