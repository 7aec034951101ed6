#include "prune/hessian.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "par/fixsum.h"

#include <stdlib.h>
#include <string.h>

err hessian_create(int d, int m, hessian **out) {
    err e = OK;
    hessian *h = NULL;
    size_t w = (size_t)d + 1, rows = (size_t)m;
    CALL(mem_alloc(1, sizeof *h, &h));
    h->d = d;
    h->m = m;
    h->n = w * (w + 1) / 2 + rows * w + rows;
    TRY(mem_alloc(w * w, sizeof *h->xx, &h->xx));
    TRY(mem_alloc(h->n, sizeof *h->chunk, &h->chunk));
    TRY(mem_alloc(2 * h->n, sizeof *h->acc, &h->acc));
done:
    if (e != OK)
        hessian_destroy(&h);
    else {
        h->yx = h->chunk + w * (w + 1) / 2;
        h->yy = h->yx + rows * w;
    }
    *out = h;
    return e;
}

void hessian_destroy(hessian **h) {
    if (!*h)
        return;
    free((*h)->xx);
    free((*h)->chunk);
    free((*h)->acc);
    free(*h);
    *h = NULL;
}

err hessian_add(hessian *h, const double *x, const double *y, int T) {
    size_t w = (size_t)h->d + 1, m = (size_t)h->m;
    memset(h->xx, 0, w * w * sizeof *h->xx);
    memset(h->chunk, 0, h->n * sizeof *h->chunk);
    dense_gram(h->xx, x, T, (int)w);
    for (size_t i = 0; i < w; i++)
        memcpy(h->chunk + i * (i + 1) / 2, h->xx + i * w, (i + 1) * sizeof *h->xx);
    if (m > 0)
        dense_cross(h->yx, y, x, T, (int)m, (int)w);
    for (size_t t = 0; t < (size_t)T; t++)
        for (size_t r = 0; r < m; r++)
            h->yy[r] += y[t * m + r] * y[t * m + r];
    err e = fixsum_add(h->acc, h->chunk, h->n);
    return e == OK ? OK : err_prefix(e, "sums over calibration tokens");
}

err hessian_reduce(hessian *h, const par *p) {
    size_t w = (size_t)h->d + 1;
    CALL(fixsum_reduce(p, h->acc, h->n));
    fixsum_value(h->chunk, h->acc, h->n);
    free(h->acc); /* the largest of its arrays, and nothing can be added any more */
    h->acc = NULL;
    for (size_t i = 0; i < w; i++)
        memcpy(h->xx + i * w, h->chunk + i * (i + 1) / 2, (i + 1) * sizeof *h->xx);
    dense_mirror(h->xx, (int)w);
    return OK;
}
