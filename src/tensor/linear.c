#include "tensor/linear.h"

#include "tensor/activation.h"
#include "tensor/lanes.h"

#include <stddef.h>

typedef struct bias_state {
    float *y;
    const float *b;
    int ld;
} bias_state;

static void bias_tail(void *state, int row, int col, int rows, int cols) {
    const bias_state *s = state;
    const float *b = s->b + col;
    for (int i = 0; i < rows; i++) {
        float *y = s->y + (size_t)(row + i) * (size_t)s->ld + col;
        int j = 0;
        for (; j + LANES <= cols; j += LANES)
            lanes_store(y + j, lanes_load(y + j) + lanes_load(b + j));
        for (; j < cols; j++)
            y[j] += b[j];
    }
}

void linear_forward(float *y, const float *x, const float *w, const float *b, int T, int out,
                    int in, precision p) {
    bias_state s = {y, b, out};
    gemm(&(gemm_call){.M = T,
                      .N = out,
                      .K = in,
                      .a = {x, in, 0},
                      .b = {w, in, 1},
                      .c = y,
                      .ldc = out,
                      .p = p,
                      .tail = b ? bias_tail : NULL,
                      .state = &s});
}

typedef struct gelu_state {
    float *g, *u, *dbias;
    const float *b;
    int F;
} gelu_state;

static void gelu_forward_tail(void *state, int row, int col, int rows, int cols) {
    const gelu_state *s = state;
    size_t at = (size_t)row * (size_t)s->F + (size_t)col;
    float *u = s->u ? s->u : s->g;
    gelu_forward(s->g + at, s->u ? u + at : NULL, u + at, s->b + col, s->F, rows, cols);
}

void linear_gelu_forward(float *g, float *u, const float *x, const float *w, const float *b, int T,
                         int F, int in, precision p) {
    gelu_state s = {g, u, NULL, b, F};
    gemm(&(gemm_call){.M = T,
                      .N = F,
                      .K = in,
                      .a = {x, in, 0},
                      .b = {w, in, 1},
                      .c = u ? u : g,
                      .ldc = F,
                      .p = p,
                      .tail = gelu_forward_tail,
                      .state = &s});
}

void linear_backward_input(float *dx, const float *dy, const float *w, int T, int out, int in,
                           int add, precision p) {
    gemm(&(gemm_call){.M = T,
                      .N = in,
                      .K = out,
                      .a = {dy, out, 0},
                      .b = {w, in, 0},
                      .c = dx,
                      .ldc = in,
                      .add = add,
                      .p = p});
}

static void gelu_backward_tail(void *state, int row, int col, int rows, int cols) {
    const gelu_state *s = state;
    size_t at = (size_t)row * (size_t)s->F + (size_t)col;
    gelu_backward(s->g + at, s->u + at, s->dbias + col, s->F, rows, cols);
}

void linear_gelu_backward(float *du, float *u, float *dbias, const float *dy, const float *w, int T,
                          int out, int F, precision p) {
    gelu_state s = {du, u, dbias, NULL, F};
    gemm(&(gemm_call){.M = T,
                      .N = F,
                      .K = out,
                      .a = {dy, out, 0},
                      .b = {w, F, 0},
                      .c = du,
                      .ldc = F,
                      .p = p,
                      .tail = gelu_backward_tail,
                      .state = &s});
}

void linear_backward_weight(float *dw, const float *dy, const float *x, int T, int out, int in,
                            precision p) {
    gemm(&(gemm_call){.M = out,
                      .N = in,
                      .K = T,
                      .a = {dy, out, 1},
                      .b = {x, in, 0},
                      .c = dw,
                      .ldc = in,
                      .add = 1,
                      .p = p});
}

/* several rows at a time: db is read and written once for all of them */
LANES_INLINE void add_rows(float *db, const float *dy, int rows, int n) {
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
        lanes sum = lanes_load(db + j);
        for (int i = 0; i < rows; i++)
            sum += lanes_load(dy + (size_t)i * (size_t)n + j);
        lanes_store(db + j, sum);
    }
    for (; j < n; j++)
        for (int i = 0; i < rows; i++)
            db[j] += dy[(size_t)i * (size_t)n + (size_t)j];
}

void bias_backward(float *db, const float *dy, int T, int n) {
    enum { ROWS = 8 };
    int t = 0;
    for (; t + ROWS <= T; t += ROWS, dy += ROWS * (size_t)n)
        add_rows(db, dy, ROWS, n);
    add_rows(db, dy, T - t, n);
}
