#include "tensor/embedding.h"

#include <stddef.h>
#include <string.h>

/* the row of a token to come, from anywhere in a large table */
static void fetch_row(const float *word, const batch *b, int32_t t, int H) {
    enum { AHEAD = 4, LINE = 16 };
    if (t + AHEAD >= b->T)
        return;
    const float *row = word + (size_t)b->ids[t + AHEAD] * (size_t)H;
    for (int j = 0; j < H; j += LINE)
        __builtin_prefetch(row + j);
}

void embedding_forward(float *x, const batch *b, const float *word, const float *pos,
                       const float *type, int H) {
    size_t width = (size_t)H;
    for (int s = 0; s < b->B; s++)
        for (int32_t t = b->offsets[s]; t < b->offsets[s + 1]; t++) {
            float *restrict row = x + (size_t)t * width;
            fetch_row(word, b, t, H);
            const float *w = word + (size_t)b->ids[t] * width;
            const float *p = pos + (size_t)(t - b->offsets[s]) * width;
            const float *y = type ? type + (b->types ? (size_t)b->types[t] : 0) * width : NULL;
            if (y)
                for (int j = 0; j < H; j++)
                    row[j] = w[j] + p[j] + y[j];
            else
                for (int j = 0; j < H; j++)
                    row[j] = w[j] + p[j];
        }
}

static void add_row(float *restrict d, const float *restrict x, int H) {
    for (int j = 0; j < H; j++)
        d[j] += x[j];
}

void embedding_backward(float *dword, float *dpos, float *dtype, const float *dx, const batch *b,
                        int H) {
    size_t width = (size_t)H;
    for (int s = 0; s < b->B; s++)
        for (int32_t t = b->offsets[s]; t < b->offsets[s + 1]; t++) {
            const float *row = dx + (size_t)t * width;
            fetch_row(dword, b, t, H);
            add_row(dword + (size_t)b->ids[t] * width, row, H);
            add_row(dpos + (size_t)(t - b->offsets[s]) * width, row, H);
            if (dtype)
                add_row(dtype + (b->types ? (size_t)b->types[t] : 0) * width, row, H);
        }
}

void rows_gather(float *y, const float *x, const int32_t *row, int n, int H) {
    for (int i = 0; i < n; i++)
        memcpy(y + (size_t)i * (size_t)H, x + (size_t)row[i] * (size_t)H, (size_t)H * sizeof *y);
}

void rows_scatter(float *dx, const float *dy, const int32_t *row, int n, int H) {
    for (int i = 0; i < n; i++)
        add_row(dx + (size_t)row[i] * (size_t)H, dy + (size_t)i * (size_t)H, H);
}
