#include "train/clip.h"

#include "tensor/lanes.h"

#include <math.h>
#include <string.h>

enum { HALF = LANES / 2 };
typedef float half __attribute__((vector_size(HALF * 4)));
typedef double wide __attribute__((vector_size(HALF * 8)));

LANES_INLINE wide squares_of(const float *x) {
    half h;
    memcpy(&h, x, sizeof h);
    wide v = __builtin_convertvector(h, wide);
    return v * v;
}

/* 2 LANES independent sums, added in order: fast and always the same. In four variables, because
 * gcc keeps vectors that are wider than the machine's in memory. */
static double block_squares(const float *x, size_t n) {
    wide a = {0}, b = {0}, c = {0}, d = {0};
    double total = 0.0;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        a += squares_of(x + i);
        b += squares_of(x + i + HALF);
        c += squares_of(x + i + LANES);
        d += squares_of(x + i + LANES + HALF);
    }
    a += c;
    b += d;
    for (int k = 0; k < HALF; k++)
        total += a[k];
    for (int k = 0; k < HALF; k++)
        total += b[k];
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
