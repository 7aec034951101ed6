#include "train/freelb.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void freelb_free(freelb *f) {
    free(f->delta);
    f->delta = NULL;
    f->floats = 0;
}

static double row_norm(const float *x, int n) {
    double sum = 0.0;
    for (int j = 0; j < n; j++)
        sum += (double)x[j] * (double)x[j];
    return sqrt(sum);
}

void freelb_ascend(float *delta, const float *g, int T, int H, double rate, double bound) {
    for (int t = 0; t < T; t++) {
        float *restrict d = delta + (size_t)t * (size_t)H;
        const float *restrict s = g + (size_t)t * (size_t)H;
        double norm = row_norm(s, H);
        if (norm == 0.0)
            continue;
        float scale = (float)(rate / norm);
        for (int j = 0; j < H; j++)
            d[j] += scale * s[j];
        double length = bound > 0.0 ? row_norm(d, H) : 0.0;
        if (length <= bound)
            continue;
        float back = (float)(bound / length);
        for (int j = 0; j < H; j++)
            d[j] *= back;
    }
}

static err reserve(freelb *f, size_t floats) {
    if (floats <= f->floats)
        return OK;
    freelb_free(f);
    CALL(mem_alloc(floats, sizeof *f->delta, &f->delta));
    f->floats = floats;
    return OK;
}

err freelb_step(freelb *f, encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                float weight, float *grads, double *loss) {
    if (f->steps == 0)
        return encoder_classify_step(ws, m, b, drop, weight, grads, loss);
    batch x = *b;
    size_t floats = (size_t)b->T * (size_t)m->c.H;
    CALL(reserve(f, floats));
    memset(f->delta, 0, floats * sizeof *f->delta);
    x.delta = f->delta;
    *loss = 0.0;
    for (int k = 0; k < f->steps; k++) {
        double sum;
        CALL(encoder_classify_step(ws, m, &x, drop, weight / (float)f->steps, grads, &sum));
        *loss += sum / f->steps;
        if (k + 1 < f->steps)
            freelb_ascend(f->delta, encoder_dembedding(ws), b->T, m->c.H, f->rate, f->bound);
    }
    return OK;
}
