#include "train/optimiser.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>

err adamw_create(const encoder_config *c, double weight_decay, adamw **out) {
    err e;
    adamw *o = NULL;
    TRY(mem_alloc(1, sizeof *o, &o));
    o->beta1 = 0.9;
    o->beta2 = 0.999;
    o->epsilon = 1e-8;
    o->weight_decay = weight_decay;
    o->n = encoder_count(c);
    TRY(mem_alloc(o->n, sizeof *o->m, &o->m));
    TRY(mem_alloc(o->n, sizeof *o->v, &o->v));
    o->n_arrays = encoder_arrays(c, NULL, 0);
    TRY(mem_alloc((size_t)o->n_arrays, sizeof *o->arrays, &o->arrays));
    encoder_arrays(c, o->arrays, o->n_arrays);
    *out = o;
    o = NULL;
done:
    adamw_destroy(&o);
    return e;
}

void adamw_destroy(adamw **o) {
    if (!*o)
        return;
    free((*o)->m);
    free((*o)->v);
    free((*o)->arrays);
    free(*o);
    *o = NULL;
}

/* p <- p shrink - rate m / (sqrt(v) / root2 + epsilon), with m and v the moments after this step;
 * the bias corrections are in rate and root2. __builtin_sqrtf: no errno, so the loop vectorises. */
static void update(float *restrict p, float *restrict m, float *restrict v, const float *restrict g,
                   size_t n, float beta1, float beta2, float scale, float shrink, float rate,
                   float inverse_root2, float epsilon) {
    for (size_t i = 0; i < n; i++) {
        float x = g[i] * scale;
        m[i] = beta1 * m[i] + (1.0f - beta1) * x;
        v[i] = beta2 * v[i] + (1.0f - beta2) * (x * x);
        p[i] = p[i] * shrink - rate * m[i] / (__builtin_sqrtf(v[i]) * inverse_root2 + epsilon);
    }
}

void adamw_step(adamw *o, float *block, const float *grads, double learning_rate, double scale) {
    o->step++;
    double rate = learning_rate / (1.0 - pow(o->beta1, (double)o->step));
    double inverse_root2 = 1.0 / sqrt(1.0 - pow(o->beta2, (double)o->step));
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        double shrink = a->decay ? 1.0 - learning_rate * o->weight_decay : 1.0;
        update(block + a->offset, o->m + a->offset, o->v + a->offset, grads + a->offset,
               (size_t)a->rows * (size_t)a->cols, (float)o->beta1, (float)o->beta2, (float)scale,
               (float)shrink, (float)rate, (float)inverse_root2, (float)o->epsilon);
    }
}

double gradient_norm(const float *grads, size_t n) {
    enum { WAYS = 8 }; /* independent sums, added in order: fast and always the same */
    double sum[WAYS] = {0};
    size_t i = 0;
    for (; i + WAYS <= n; i += WAYS)
        for (size_t k = 0; k < WAYS; k++)
            sum[k] += (double)grads[i + k] * (double)grads[i + k];
    for (; i < n; i++)
        sum[0] += (double)grads[i] * (double)grads[i];
    double total = 0.0;
    for (int k = 0; k < WAYS; k++)
        total += sum[k];
    return sqrt(total);
}

double clip_scale(double norm, double clip) {
    double scale = clip / (norm + 1e-6);
    return clip > 0.0 && scale < 1.0 ? scale : 1.0;
}

double schedule_linear(int64_t step, int64_t steps, double warmup, double peak) {
    double at = (double)step, rise = floor(warmup * (double)steps);
    if (at < rise)
        return peak * at / rise;
    double left = (double)steps - at, fall = (double)steps - rise;
    return fall > 0.0 && left > 0.0 ? peak * left / fall : 0.0;
}
