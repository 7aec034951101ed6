#include "train/clip.h"

#include "tensor/lanes.h"

#include <math.h>

typedef double wide __attribute__((vector_size(LANES * 8)));

LANES_INLINE wide squares_of(const float *x) {
    wide v = __builtin_convertvector(lanes_load(x), wide);
    return v * v;
}

/* two independent vectors of sums, added in order: fast and always the same */
static double block_squares(const float *x, size_t n) {
    wide even = {0}, odd = {0};
    double total = 0.0;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        even += squares_of(x + i);
        odd += squares_of(x + i + LANES);
    }
    even += odd;
    for (int k = 0; k < LANES; k++)
        total += even[k];
    for (; i < n; i++)
        total += (double)x[i] * (double)x[i];
    return total;
}

void clip_squares(double *squares, const float *x, size_t n) {
    for (size_t at = 0; at < n; at += CLIP_BLOCK)
        *squares++ = block_squares(x + at, n - at < CLIP_BLOCK ? n - at : CLIP_BLOCK);
}

double clip_root(const double *squares, size_t n) {
    double total = 0.0;
    for (size_t i = 0; i < n; i++)
        total += squares[i];
    return sqrt(total);
}

double gradient_norm(const float *grads, size_t n) {
    double total = 0.0;
    for (size_t at = 0; at < n; at += CLIP_BLOCK)
        total += block_squares(grads + at, n - at < CLIP_BLOCK ? n - at : CLIP_BLOCK);
    return sqrt(total);
}

double clip_scale(double norm, double clip) {
    double scale = clip / (norm + 1e-6);
    return clip > 0.0 && scale < 1.0 ? scale : 1.0;
}
