#include "prune/obs_vectors.h"

#include "base/arena.h"
#include "tensor/gemm_pack.h"

#include <stdlib.h>
#include <string.h>

enum { FOLD_ROWS = 4 * PANEL }; /* of the inverse at a time: they stay in the second-level cache */

static int least(int a, int b) {
    return a < b ? a : b;
}

static int steps(int k) {
    return (k + OBS_STEP - 1) / OBS_STEP;
}

err obs_vectors_create(const obs_product *product, int n, int most, int columns, obs_vectors *v) {
    int widest = columns > FOLD_ROWS ? columns : FOLD_ROWS;
    size_t groups = (size_t)(widest / product->rows + 1);
    *v = (obs_vectors){.product = product, .positions = n};
    /* panels are no multiple of a page apart: what is read together would share a cache set */
    v->distance = (size_t)steps(most) * product->panel + 256;
    CALL(mem_alloc((size_t)steps(most) * (size_t)n, OBS_STEP * sizeof(float), &v->steps));
    CALL(mem_alloc((size_t)(n / PANEL), v->distance, &v->panels));
    CALL(mem_alloc(groups * (size_t)(product->deep / OBS_STEP), product->group, &v->groups));
    return mem_alloc((size_t)widest, sizeof *v->from, &v->from);
}

void obs_vectors_free(obs_vectors *v) {
    free(v->steps);
    free(v->panels);
    free(v->groups);
    free(v->from);
    *v = (obs_vectors){0};
}

/* a position's numbers in the step of vector t */
static float *step_of(const obs_vectors *v, int position, int t) {
    return v->steps + ((size_t)(t / OBS_STEP) * (size_t)v->positions + (size_t)position) * OBS_STEP;
}

/* panel j from vector t on, t a multiple of OBS_STEP */
static char *panel_of(const obs_vectors *v, int j, int t) {
    return v->panels + (size_t)j * v->distance + (size_t)(t / OBS_STEP) * v->product->panel;
}

/* n positions in the step of vector t */
static void pack_panels(obs_vectors *v, int n, int t) {
    for (int j = 0; j * PANEL < n; j++)
        v->product->pack_panel(panel_of(v, j, t), step_of(v, j * PANEL, t),
                               least(v->made - t, OBS_STEP));
}

/* vectors t to t + k - 1 of LANES positions, none of them beyond a vector of LANES, from a panel */
static void turn(float *to, const float *now, int t, int k) {
    lanes x[LANES];
    for (int i = 0; i < LANES; i++)
        x[i] = i < k ? lanes_load(now + i * PANEL) : lanes_set(0.0f);
    lanes_transpose(x);
    for (int i = 0; i < LANES; i++)
        lanes_store_part(to + i * OBS_STEP + t % OBS_STEP, x[i], k);
}

void obs_vectors_append(obs_vectors *v, const float *now, int n, int epoch, int from, int t) {
    int first = v->made;
    for (int q = from, k; q < t; q += k) {
        k = least(t - q, LANES - v->made % LANES);
        for (int j = 0; j < n; j += PANEL)
            for (int i = 0; i < PANEL; i += LANES)
                turn(step_of(v, j + i, v->made), now + (size_t)(j / PANEL * epoch + q) * PANEL + i,
                     v->made, k);
        v->made += k;
    }
    for (int q = first / OBS_STEP * OBS_STEP; q < v->made; q += OBS_STEP)
        pack_panels(v, n, q);
}

void obs_vectors_compact(obs_vectors *v, const int32_t *alive, int n) {
    for (int t = 0; t < v->made; t += OBS_STEP) {
        for (int i = 0; i < n; i++)
            if (alive[i] != i)
                memcpy(step_of(v, i, t), step_of(v, alive[i], t), OBS_STEP * sizeof(float));
        for (int i = n; i % PANEL != 0; i++)
            memset(step_of(v, i, t), 0, OBS_STEP * sizeof(float));
        pack_panels(v, n, t);
    }
}

/* the group of column i from vector t of the packed ones on */
static char *group_of(const obs_vectors *v, int i, int t) {
    const obs_product *p = v->product;
    return v->groups + (size_t)(i / p->rows * (p->deep / OBS_STEP) + t / OBS_STEP) * p->group;
}

/* factors of `count` columns: vectors t to t + k - 1, those before first[i] as 0 */
static void pack_groups(obs_vectors *v, const int32_t *position, const int32_t *first, int count,
                        int t, int k) {
    int rows = v->product->rows;
    for (int q = 0; q < k; q += OBS_STEP) {
        for (int i = 0; i < count; i++)
            v->from[i] = step_of(v, position[i], t + q);
        for (int i = 0; i < count; i += rows)
            v->product->pack_group(group_of(v, i, q), v->from + i, first + i,
                                   least(count - i, rows), t + q, least(k - q, OBS_STEP));
    }
}

/* columns (count) less vectors t to t + k - 1 times the packed factors */
static void subtract_deep(obs_vectors *v, float *const *columns, int count, int n, int t, int k) {
    const obs_product *p = v->product;
    size_t strip = (size_t)steps(k) * p->panel;
    size_t share = (strip / (size_t)((count + p->rows - 1) / p->rows) + 63) / 64 * 64;
    for (int j = 0; j * PANEL < n; j++) {
        const char *next = panel_of(v, j + 1, t), *end = next + ((j + 1) * PANEL < n ? strip : 0);
        for (int i = 0; i < count; i += p->rows, next += share)
            p->subtract(columns + i, (size_t)j * PANEL, group_of(v, i, 0), panel_of(v, j, t),
                        least(count - i, p->rows), k, next,
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
    for (int t = start / OBS_STEP * OBS_STEP; t < v->made; t += v->product->deep) {
        int k = least(v->made - t, v->product->deep);
        pack_groups(v, position, first, count, t, k);
        subtract_deep(v, columns, count, n, t, k);
    }
    v->product->end();
}

/* ---- the whole inverse ---- */

/* rows first to first + n - 1 up to the diagonal's panel */
static void gather_rows(float *to, size_t ld, int first, int n, const float *g, size_t g_ld,
                        const int32_t *origin) {
    int width = first + n;
    for (int i = first; i < first + n; i++) {
        const float *from = g + (size_t)origin[i] * g_ld;
        float *row = to + (size_t)i * ld;
        if (origin[width - 1] == width - 1) { /* nothing is missing before */
            memcpy(row, from, (size_t)width * sizeof *row);
            continue;
        }
        for (int j = 0; j < width; j++)
            row[j] = from[origin[j]];
    }
}

/* what lies above the diagonal in these rows' columns, from what lies below it: `to` holds whole
 * vectors of rows and columns */
static void mirror_rows(float *to, size_t ld, int first, int n) {
    for (int i = first; i < first + n; i += LANES)
        for (int j = 0; j <= i; j += LANES) {
            lanes v[LANES];
            for (int k = 0; k < LANES; k++)
                v[k] = lanes_load(to + (size_t)(i + k) * ld + (size_t)j);
            lanes_transpose(v);
            for (int k = 0; k < LANES; k++) {
                if (j == i) /* of the diagonal's own block only what is above */
                    for (int q = k + 1; q < LANES; q++)
                        to[(size_t)(j + k) * ld + (size_t)(i + q)] = v[k][q];
                else
                    lanes_store(to + (size_t)(j + k) * ld + (size_t)i, v[k]);
            }
        }
}

static void fold_rows(obs_vectors *v, float *to, size_t ld, int first, int n, int t, int k) {
    const obs_product *p = v->product;
    float *row[FOLD_ROWS];
    int32_t position[FOLD_ROWS], start[FOLD_ROWS] = {0};
    for (int i = 0; i < n; i++) {
        position[i] = first + i;
        row[i] = to + (size_t)(first + i) * ld;
    }
    pack_groups(v, position, start, n, t, k);
    for (int j = 0; j * PANEL < first + n; j++) {
        size_t strip = (size_t)steps(k) * p->panel;
        for (int i = 0; i < n; i += p->rows) {
            int rows = least(n - i, p->rows);
            if (first + i + rows <= j * PANEL)
                continue;
            p->subtract(row + i, (size_t)j * PANEL, group_of(v, i, 0), panel_of(v, j, t), rows, k,
                        panel_of(v, j + 1, t), i == 0 ? strip : 0);
        }
    }
}

void obs_vectors_fold(obs_vectors *v, float *to, size_t ld, int n, const float *g, size_t g_ld,
                      const int32_t *origin) {
    v->product->begin();
    for (int i = 0; i < n; i += FOLD_ROWS) {
        int rows = least(n - i, FOLD_ROWS);
        gather_rows(to, ld, i, rows, g, g_ld, origin);
        for (int t = 0; t < v->made; t += v->product->deep)
            fold_rows(v, to, ld, i, rows, t, least(v->made - t, v->product->deep));
        mirror_rows(to, ld, i, rows);
    }
    v->product->end();
    v->made = 0;
}
