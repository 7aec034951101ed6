#include "tensor/linear.h"

#include <cblas.h>

void linear_forward(float *y, const float *x, const float *w, int T, int out, int in) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, T, out, in, 1.0f, x, in, w, in, 0.0f, y,
                out);
}

void linear_backward_input(float *dx, const float *dy, const float *w, int T, int out, int in) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, T, in, out, 1.0f, dy, out, w, in, 1.0f,
                dx, in);
}

void linear_backward_weight(float *dw, const float *dy, const float *x, int T, int out, int in) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, T, 1.0f, dy, out, x, in, 1.0f, dw,
                in);
}

void bias_forward(float *y, const float *b, int T, int n) {
    for (int t = 0; t < T; t++) {
        float *restrict row = y + (size_t)t * (size_t)n;
        for (int j = 0; j < n; j++)
            row[j] += b[j];
    }
}

void bias_backward(float *db, const float *dy, int T, int n) {
    for (int t = 0; t < T; t++) {
        const float *restrict row = dy + (size_t)t * (size_t)n;
        for (int j = 0; j < n; j++)
            db[j] += row[j];
    }
}
