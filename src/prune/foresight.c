#include "prune/foresight.h"

#include "base/arena.h"
#include "tensor/lanes.h"

#include <stdlib.h>

err foresight_create(int positions, foresight *f) {
    *f = (foresight){0};
    CALL(mem_alloc((size_t)positions, sizeof *f->w, &f->w));
    return mem_alloc((size_t)positions, sizeof *f->diag, &f->diag);
}

void foresight_free(foresight *f) {
    free(f->w);
    free(f->diag);
    *f = (foresight){0};
}

void foresight_begin(foresight *f, const double *w, const double *diag, const double *barrier,
                     int n) {
    f->n = n;
    for (int i = 0; i < n; i++) {
        f->w[i] = barrier[i] > 0.0 ? INFINITY : (float)w[i];
        f->diag[i] = (float)diag[i];
    }
    for (int i = n; i % LANES != 0; i++) {
        f->w[i] = INFINITY;
        f->diag[i] = 1.0f;
    }
}

/* 1 / x, to some bits at least: what is guessed needs no more */
LANES_INLINE lanes about_inverse(lanes x) {
#if defined(__AVX512F__)
    return (lanes)_mm512_rcp14_ps((__m512)x);
#else
    return 1.0f / x;
#endif
}

/* The lowest score, after so much of the column is taken off where there is one: its first place.
 */
LANES_INLINE int pass(foresight *f, const float *column, float step, float by) {
    const lanes least = lanes_set(1e-30f); /* a column that lacks vectors may take too much */
    lanes best = lanes_set(INFINITY);
    lanes_int where = {0}, at = {0};
    for (int k = 0; k < LANES; k++)
        at[k] = k;
    for (int i = 0; i < f->n; i += LANES, at += LANES) {
        lanes w = lanes_load(f->w + i), diag = lanes_load(f->diag + i);
        if (column) {
            lanes c = lanes_load(column + i);
            w = lanes_fma(lanes_set(-step), c, w);
            diag = lanes_fma(lanes_set(-by) * c, c, diag);
            diag = lanes_select_less(least, diag, diag, least);
            lanes_store(f->w + i, w);
            lanes_store(f->diag + i, diag);
        }
        lanes score = w * w * about_inverse(diag);
        where = (lanes_int)lanes_select_less(score, best, (lanes)at, (lanes)where);
        best = lanes_select_less(score, best, score, best);
    }
    int low = 0;
    for (int k = 1; k < LANES; k++)
        if (best[k] < best[low] || (best[k] == best[low] && where[k] < where[low]))
            low = k;
    return best[low] < INFINITY ? where[low] : -1;
}

int foresight_remove(foresight *f, int p, const float *column) {
    /* whichever lacks less: no step may be larger than it is */
    float element = column && column[p] > f->diag[p] ? column[p] : f->diag[p];
    float step = f->w[p] / element;
    f->w[p] = INFINITY;
    f->diag[p] = 1.0f;
    return column ? pass(f, column, step, 1.0f / element) : pass(f, NULL, 0.0f, 0.0f);
}
