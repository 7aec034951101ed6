#include "tensor/loss.h"

#include "tensor/lanes.h"

#include <math.h>
#include <stddef.h>

/* e = exp(x - max); returns their sum: float32 lanes over 64 steps at a time, float64 beyond, so
 * that a vocabulary's 30,000 terms add no rounding of their own */
static double row_exp(float *e, const float *x, float max, int n) {
    double total = 0.0;
    int j = 0;
    while (j + LANES <= n) {
        lanes sum = {0};
        for (int step = 0; step < 64 && j + LANES <= n; step++, j += LANES) {
            lanes v = lanes_exp(lanes_load(x + j) - max);
            lanes_store(e + j, v);
            sum += v;
        }
        total += (double)lanes_sum(sum);
    }
    if (j < n) {
        lanes v = lanes_exp(lanes_load_part(x + j, n - j) - max);
        lanes_store_part(e + j, v, n - j);
        for (; j < n; j++)
            total += (double)e[j];
    }
    return total;
}

/* mean of x - max */
static double row_mean(const float *x, float max, int n) {
    double sum = 0.0;
    for (int j = 0; j < n; j++)
        sum += (double)x[j] - (double)max;
    return sum / n;
}

double cross_entropy(float *logits, const float *bias, const int32_t *target, float smoothing,
                     float weight, int n, int width) {
    const float spread = weight * smoothing / (float)width, sure = weight * (1.0f - smoothing);
    double loss = 0.0;
    for (int i = 0; i < n; i++) {
        float *row = logits + (size_t)i * (size_t)width;
        if (bias)
            for (int j = 0; j < width; j++)
                row[j] += bias[j];
        float max = lanes_row_max(row, width);
        double right = (double)row[target[i]] - (double)max;
        if (smoothing > 0.0f)
            right += (double)smoothing * (row_mean(row, max, width) - right);
        double total = row_exp(row, row, max, width);
        loss += log(total) - right;
        float scale = (float)((double)weight / total);
        for (int j = 0; j < width; j++)
            row[j] = row[j] * scale - spread;
        row[target[i]] -= sure;
    }
    return loss;
}
