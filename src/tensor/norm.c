#include "tensor/norm.h"

#include "tensor/lanes.h"

#include <math.h>
#include <stddef.h>

static float row_mean(const float *x, int H) {
    lanes sum = {0};
    int j = 0;
    for (; j + LANES <= H; j += LANES)
        sum += lanes_load(x + j);
    sum += lanes_load_part(x + j, H - j);
    return lanes_sum(sum) / (float)H;
}

static float row_variance(const float *x, float mean, int H) {
    lanes sum = {0};
    int j = 0;
    for (; j + LANES <= H; j += LANES) {
        lanes d = lanes_load(x + j) - mean;
        sum = lanes_fma(d, d, sum);
    }
    float total = lanes_sum(sum);
    for (; j < H; j++)
        total += (x[j] - mean) * (x[j] - mean);
    return total / (float)H;
}

/* one row; mean and rstd are written only if kept */
static void norm_row(float *y, float *mean, float *rstd, const float *x, const float *w,
                     const float *b, float eps, int H) {
    float m = row_mean(x, H);
    float r = 1.0f / sqrtf(row_variance(x, m, H) + eps);
    for (int j = 0; j < H; j++)
        y[j] = (x[j] - m) * r * w[j] + b[j];
    if (mean) {
        *mean = m;
        *rstd = r;
    }
}

void norm_forward(float *y, float *mean, float *rstd, const float *x, const float *w,
                  const float *b, float eps, int T, int H) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)H;
        norm_row(y + at, mean ? mean + t : NULL, rstd ? rstd + t : NULL, x + at, w, b, eps, H);
    }
}

void residual_norm_forward(float *y, float *x, float *mean, float *rstd, const float *residual,
                           const float *bias, const float *mask, const float *w, const float *b,
                           float eps, int T, int H) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)H;
        float *restrict row = x + at;
        const float *res = residual + at;
        if (mask) {
            for (int j = 0; j < H; j++)
                row[j] = res[j] + mask[at + (size_t)j] * (row[j] + bias[j]);
        } else {
            for (int j = 0; j < H; j++)
                row[j] = res[j] + (row[j] + bias[j]);
        }
        norm_row(y + at, mean ? mean + t : NULL, rstd ? rstd + t : NULL, row, w, b, eps, H);
    }
}

/* With g = w dy and n = (x - mean) rstd:  dx = rstd (g - mean(g) - n mean(g n)). */
static void norm_row_backward(float *dx, float *dw, float *db, const float *dy, const float *x,
                              float mean, float rstd, const float *w, int H) {
    lanes sum_g = {0}, sum_gn = {0};
    int j = 0;
    for (; j + LANES <= H; j += LANES) {
        lanes g = lanes_load(dy + j) * lanes_load(w + j);
        lanes n = (lanes_load(x + j) - mean) * rstd;
        sum_g += g;
        sum_gn = lanes_fma(g, n, sum_gn);
    }
    float mean_g = lanes_sum(sum_g), mean_gn = lanes_sum(sum_gn);
    for (; j < H; j++) {
        mean_g += dy[j] * w[j];
        mean_gn += dy[j] * w[j] * ((x[j] - mean) * rstd);
    }
    mean_g /= (float)H;
    mean_gn /= (float)H;
    for (j = 0; j + LANES <= H; j += LANES) {
        lanes d = lanes_load(dy + j);
        lanes n = (lanes_load(x + j) - mean) * rstd;
        lanes_store(dw + j, lanes_fma(d, n, lanes_load(dw + j)));
        lanes_store(db + j, lanes_load(db + j) + d);
        lanes_store(dx + j, (d * lanes_load(w + j) - mean_g - n * mean_gn) * rstd);
    }
    for (; j < H; j++) {
        float d = dy[j], n = (x[j] - mean) * rstd;
        dw[j] += d * n;
        db[j] += d;
        dx[j] = (d * w[j] - mean_g - n * mean_gn) * rstd;
    }
}

void norm_backward(float *dx, float *dw, float *db, const float *dy, const float *x,
                   const float *mean, const float *rstd, const float *w, int T, int H) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)H;
        norm_row_backward(dx + at, dw, db, dy + at, x + at, mean[t], rstd[t], w, H);
    }
}

void residual_norm_backward(float *dresidual, float *dx, float *dbias, float *dw, float *db,
                            const float *dy, const float *x, const float *mean, const float *rstd,
                            const float *mask, const float *w, int T, int H) {
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * (size_t)H;
        float *restrict row = dx + at;
        float *res = dresidual + at;
        norm_row_backward(res, dw, db, dy + at, x + at, mean[t], rstd[t], w, H);
        for (int j = 0; j < H; j++)
            row[j] = mask ? res[j] * mask[at + (size_t)j] : res[j];
        for (int j = 0; j < H; j++)
            dbias[j] += row[j];
    }
}
