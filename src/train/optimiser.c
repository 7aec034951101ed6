#include "train/optimiser.h"

#include "base/arena.h"
#include "tensor/lanes.h"

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

/* what a step does to one array: the bias corrections are in rate and inverse_root2; rest is 1 -
 * beta, taken in float64, where 1 - 0.999 keeps its digits */
typedef struct constants {
    float beta1, rest1, beta2, rest2, scale, shrink, rate, inverse_root2, epsilon;
} constants;

/* p <- p shrink - rate m / (sqrt(v) inverse_root2 + epsilon), m and v the moments after this step
 */
LANES_INLINE void update(lanes *p, lanes *m, lanes *v, lanes g, const constants *s) {
    lanes x = g * s->scale;
    *m = s->beta1 * *m + s->rest1 * x;
    *v = s->beta2 * *v + s->rest2 * (x * x);
    *p = *p * s->shrink - s->rate * *m / (lanes_sqrt(*v) * s->inverse_root2 + s->epsilon);
}

static void update_array(float *block, float *m, float *v, const float *grads, size_t n,
                         const constants *s) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes p = lanes_load(block + i), a = lanes_load(m + i), b = lanes_load(v + i);
        update(&p, &a, &b, lanes_load(grads + i), s);
        lanes_store(block + i, p);
        lanes_store(m + i, a);
        lanes_store(v + i, b);
    }
    int left = (int)(n - i);
    lanes p = lanes_load_part(block + i, left), a = lanes_load_part(m + i, left);
    lanes b = lanes_load_part(v + i, left);
    update(&p, &a, &b, lanes_load_part(grads + i, left), s);
    lanes_store_part(block + i, p, left);
    lanes_store_part(m + i, a, left);
    lanes_store_part(v + i, b, left);
}

void adamw_step(adamw *o, float *block, const float *grads, double learning_rate, double scale) {
    o->step++;
    double correction1 = 1.0 - pow(o->beta1, (double)o->step);
    double correction2 = 1.0 - pow(o->beta2, (double)o->step);
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        constants s = {.beta1 = (float)o->beta1,
                       .rest1 = (float)(1.0 - o->beta1),
                       .beta2 = (float)o->beta2,
                       .rest2 = (float)(1.0 - o->beta2),
                       .scale = (float)scale,
                       .shrink = a->decay ? (float)(1.0 - learning_rate * o->weight_decay) : 1.0f,
                       .rate = (float)(learning_rate / correction1),
                       .inverse_root2 = (float)(1.0 / sqrt(correction2)),
                       .epsilon = (float)o->epsilon};
        update_array(block + a->offset, o->m + a->offset, o->v + a->offset, grads + a->offset,
                     (size_t)a->rows * (size_t)a->cols, &s);
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
