#include "train/keep_mask.h"

#include "base/arena.h"

#include <stdlib.h>

/* one array of the block, as far as it lies in the range */
static void mark(const encoder *m, const encoder_array *a, size_t first, keep_mask *k) {
    size_t from = a->offset, to = from + (size_t)a->rows * (size_t)a->cols;
    from = from > first ? from : first;
    to = to < first + k->n ? to : first + k->n;
    for (size_t i = from; i < to; i++)
        k->removed[i - first] = m->block[i] == 0.0f;
}

err keep_mask_open(const encoder *m, size_t first, size_t n, keep_mask *out) {
    int arrays = encoder_arrays(&m->c, NULL, 0);
    encoder_array *a = NULL;
    err e;
    *out = (keep_mask){.n = n};
    TRY(mem_alloc((size_t)arrays, sizeof *a, &a));
    TRY(mem_alloc(n + 1, 1, &out->removed));
    encoder_arrays(&m->c, a, arrays);
    for (int i = 0; i < arrays; i++)
        if (a[i].prunable)
            mark(m, &a[i], first, out);
done:
    free(a);
    return e;
}

void keep_mask_free(keep_mask *k) {
    free(k->removed);
    *k = (keep_mask){0};
}

void keep_mask_apply(const keep_mask *k, float *grads) {
    for (size_t i = 0; k->removed && i < k->n; i++)
        if (k->removed[i])
            grads[i] = 0.0f;
}
