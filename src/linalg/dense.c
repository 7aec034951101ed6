#include "linalg/dense.h"

#include <cblas.h>
#include <stddef.h>

void dense_gram(double *c, const double *x, int T, int d) {
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, T, 1.0, x, d, 0.0, c, d);
}

void dense_cross(double *c, const double *y, int ldy, const double *x, int ldx, int T, int m,
                 int d) {
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, d, T, 1.0, y, ldy, x, ldx, 0.0, c, d);
}

void dense_product(double *c, const double *a, const double *b, int m, int d, int n) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, d, 1.0, a, d, b, n, 0.0, c, n);
}

void dense_linear(double *y, const double *x, int ldx, const double *w, int T, int m, int d) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, T, m, d, 1.0, x, ldx, w, d, 0.0, y, m);
}

void dense_multiply_add(double *y, int ldy, const double *x, int ldx, const double *w, int ldw,
                        int T, int m, int d, double add) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, T, m, d, 1.0, x, ldx, w, ldw, add, y,
                ldy);
}

void dense_times(double *y, const double *a, const double *x, int d) {
    cblas_dgemv(CblasRowMajor, CblasNoTrans, d, d, 1.0, a, d, x, 1, 0.0, y, 1);
}

double dense_dot(const double *x, const double *y, int n) {
    return cblas_ddot(n, x, 1, y, 1);
}

void dense_subtract(double *c, const double *u, int ld, const double *f, int f_step, int t, int n) {
    if (t > 0)
        cblas_dgemv(CblasRowMajor, CblasTrans, t, n, -1.0, u, ld, f, f_step, 1.0, c, 1);
}

void dense_downdate(double *g, int ldg, const double *u, int ldu, int t, int n) {
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, n, t, -1.0, u, ldu, 1.0, g, ldg);
}

void dense_mirror(double *a, int d) {
    /* in tiles, so that rows read and columns written stay in the cache together */
    enum { TILE = 32 };
    for (int r = 0; r < d; r += TILE)
        for (int c = 0; c <= r; c += TILE)
            for (int i = r; i < d && i < r + TILE; i++)
                for (int k = c; k < i && k < c + TILE; k++)
                    a[(size_t)k * (size_t)d + (size_t)i] = a[(size_t)i * (size_t)d + (size_t)k];
}
