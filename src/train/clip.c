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
typedef struct partial {
    wide a, b, c, d;
} partial;

/* x (n), n whole turns of 2 LANES */
LANES_INLINE void add_squares(partial *s, const float *x, size_t n) {
    wide a = s->a, b = s->b, c = s->c, d = s->d;
    for (size_t i = 0; i < n; i += 2 * LANES) {
        a += squares_of(x + i);
        b += squares_of(x + i + HALF);
        c += squares_of(x + i + LANES);
        d += squares_of(x + i + LANES + HALF);
    }
    *s = (partial){a, b, c, d};
}

static double partial_sum(const partial *s) {
    wide a = s->a + s->c, b = s->b + s->d;
    double total = 0.0;
    for (int k = 0; k < HALF; k++)
        total += a[k];
    for (int k = 0; k < HALF; k++)
        total += b[k];
    return total;
}

static double block_squares(const float *x, size_t n) {
    size_t whole = n / (2 * LANES) * (2 * LANES);
    partial s = {{0}, {0}, {0}, {0}};
    add_squares(&s, x, whole);
    double total = partial_sum(&s);
    for (size_t i = whole; i < n; i++)
        total += (double)x[i] * (double)x[i];
    return total;
}

/* rows of zeros add nothing to sums that begin at +0 */
static double rows_squares(const float *x, size_t width, const char *rows) {
    partial s = {{0}, {0}, {0}, {0}};
    int any = 0;
    for (size_t i = 0; i < CLIP_BLOCK / width; i++)
        if (rows[i]) {
            add_squares(&s, x + i * width, width);
            any = 1;
        }
    return any ? partial_sum(&s) : 0.0;
}

size_t clip_rows(double *squares, const float *x, size_t V, size_t width, const char *rows) {
    size_t at = 0;
    int apart = CLIP_BLOCK % width == 0 && width % (2 * LANES) == 0;
    for (; at + CLIP_BLOCK <= V * width; at += CLIP_BLOCK) {
        int any = 0;
        for (size_t row = at / width; !apart && row * width < at + CLIP_BLOCK; row++)
            any |= rows[row];
        *squares++ = apart ? rows_squares(x + at, width, rows + at / width)
                     : any ? block_squares(x + at, CLIP_BLOCK)
                           : 0.0;
    }
    return at;
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
