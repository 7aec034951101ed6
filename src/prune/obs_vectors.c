#include "prune/obs_vectors.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>

static int least(int a, int b) {
    return a < b ? a : b;
}

static size_t steps(const obs_vectors *v, int k) {
    return (size_t)((k + v->product->step - 1) / v->product->step);
}

err obs_vectors_create(const obs_product *product, int n, int most, int columns, obs_vectors *v) {
    size_t groups = (size_t)(columns / product->rows + 1);
    *v = (obs_vectors){.product = product, .store = {.positions = n}};
    v->deep = product->deep > 0 ? product->deep : (int)steps(v, most) * product->step;
    v->group_bytes = GROUP_HEAD * sizeof(float) + steps(v, v->deep) * product->group;
    /* panels are no multiple of a page apart: what is read together would share a cache set */
    v->store.distance = steps(v, most) * product->panel + 256;
    CALL(mem_alloc((size_t)n, sizeof *v->store.unit, &v->store.unit));
    CALL(mem_alloc((size_t)(n / PANEL), v->store.distance, &v->store.panels));
    return mem_alloc(groups, v->group_bytes, &v->groups);
}

void obs_vectors_free(obs_vectors *v) {
    free(v->store.panels);
    free(v->store.unit);
    free(v->groups);
    *v = (obs_vectors){0};
}

void obs_vectors_begin(obs_vectors *v, const double *diagonal, int n) {
    v->made = 0;
    for (int i = 0; i < v->store.positions; i++)
        v->store.unit[i] = i < n ? (float)(sqrt(diagonal[i]) / OBS_UNITS) : 1.0f;
}

void obs_vectors_append(obs_vectors *v, const float *now, int n, int stride, int from, int t) {
    v->product->append(&v->store, now, n, stride, v->made, from, t);
    v->made += t - from;
}

void obs_vectors_compact(obs_vectors *v, const subset *alive) {
    for (int i = 0; i < alive->n; i++)
        v->store.unit[i] = v->store.unit[alive->index[i]];
    v->product->compact(&v->store, alive, v->made);
}

/* the head of the group that column i is in */
static float *head_of(const obs_vectors *v, int i) {
    return (float *)(void *)(v->groups + (size_t)(i / v->product->rows) * v->group_bytes);
}

/* factors of `count` columns: vectors t to t + k - 1, those before first[i] as 0 */
static void pack_groups(obs_vectors *v, const int32_t *position, const int32_t *first, int count,
                        int t, int k) {
    const obs_product *p = v->product;
    for (int i = 0; i < count; i += p->rows) {
        int n = least(count - i, p->rows);
        float *head = head_of(v, i);
        char *to = (char *)(head + GROUP_HEAD);
        for (int q = 0; q < n; q++)
            head[q] = v->store.unit[position[i + q]];
        for (int q = 0; q < k; q += p->step, to += p->group)
            p->pack_group(&v->store, to, position + i, first + i, n, t + q, least(k - q, p->step));
    }
}

/* panel j from vector t on, k of them, off columns i and on, n of one group */
static void subtract_group(const obs_vectors *v, float *const *columns, int i, int n, int j, int t,
                           int k, const char *ahead, size_t bytes) {
    const float *head = head_of(v, i);
    v->product->subtract(columns + i, (size_t)j * PANEL, head, head + GROUP_HEAD,
                         v->store.unit + j * PANEL, obs_panel(v->product, &v->store, j, t), n, k,
                         ahead, bytes);
}

/* columns (count) less vectors t to t + k - 1 times the packed factors */
static void subtract_deep(const obs_vectors *v, float *const *columns, int count, int n, int t,
                          int k) {
    const obs_product *p = v->product;
    size_t strip = steps(v, k) * p->panel;
    size_t share = (strip / (size_t)((count + p->rows - 1) / p->rows) + 63) / 64 * 64;
    for (int j = 0; j * PANEL < n; j++) {
        const char *next = obs_panel(p, &v->store, j + 1, t);
        const char *end = next + ((j + 1) * PANEL < n ? strip : 0);
        for (int i = 0; i < count; i += p->rows, next += share)
            subtract_group(v, columns, i, least(count - i, p->rows), j, t, k, next,
                           next + share <= end ? share
                           : next < end        ? (size_t)(end - next)
                                               : 0);
    }
}

void obs_vectors_subtract(obs_vectors *v, float *const *columns, const int32_t *position,
                          const int32_t *first, int count, int n) {
    int start = v->made;
    for (int i = 0; i < count; i++)
        start = least(start, first[i]);
    v->product->begin();
    for (int t = start / v->product->step * v->product->step; t < v->made; t += v->deep) {
        int k = least(v->made - t, v->deep);
        pack_groups(v, position, first, count, t, k);
        subtract_deep(v, columns, count, n, t, k);
    }
    v->product->end();
}
