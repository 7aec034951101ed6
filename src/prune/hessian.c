#include "prune/hessian.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/fixed.h"
#include "par/fixsum.h"

#include <stdlib.h>
#include <string.h>

/* numbers in the lower triangle of order w */
static size_t triangle(size_t w) {
    return w * (w + 1) / 2;
}

static err create(int d, int m, int paired, hessian **out) {
    err e = OK;
    hessian *h = NULL;
    size_t w = (size_t)d + 1, rows = (size_t)m;
    CALL(mem_alloc(1, sizeof *h, &h));
    h->d = d;
    h->m = m;
    TRY(mem_alloc(w * w, sizeof *h->xx, &h->xx));
    if (paired) {
        TRY(mem_alloc(w * w, sizeof *h->dd, &h->dd));
        TRY(mem_alloc((size_t)d * w, sizeof *h->dx, &h->dx));
        h->n = 2 * triangle(w) + (size_t)d * w;
    } else {
        TRY(mem_alloc(rows * w + 1, sizeof *h->yx, &h->yx));
        TRY(mem_alloc(rows + 1, sizeof *h->yy, &h->yy));
        h->n = triangle(w) + rows * w + rows;
    }
    TRY(mem_alloc(2 * h->n, sizeof *h->acc, &h->acc));
done:
    if (e != OK)
        hessian_destroy(&h);
    *out = h;
    return e;
}

err hessian_create(int d, int m, hessian **out) {
    return create(d, m, 0, out);
}

err hessian_create_paired(int d, int m, hessian **out) {
    return create(d, m, 1, out);
}

void hessian_destroy(hessian **h) {
    if (!*h)
        return;
    free((*h)->xx);
    free((*h)->yx);
    free((*h)->yy);
    free((*h)->dd);
    free((*h)->dx);
    free((*h)->acc);
    free(*h);
    *h = NULL;
}

int hessian_pays_paired(int d, int m) {
    return 3 * (int64_t)d < 4 * (int64_t)m;
}

/* a place in acc that sums go to, or come from, one after the other */
typedef struct cursor {
    int64_t *high, *low;
} cursor;

static cursor cursor_of(const hessian *h) {
    return (cursor){h->acc, h->acc + h->n};
}

static err put(cursor *at, const double *x, size_t n) {
    CALL(fixsum_add_limbs(at->high, at->low, x, n));
    at->high += n;
    at->low += n;
    return OK;
}

/* the lower triangle of a (w, w), row by row: no packed copy of it is made */
static err put_triangle(cursor *at, const double *a, size_t w) {
    for (size_t i = 0; i < w; i++)
        CALL(put(at, a + i * w, i + 1));
    return OK;
}

static void get(cursor *at, double *x, size_t n) {
    fixsum_value_limbs(x, at->high, at->low, n);
    at->high += n;
    at->low += n;
}

static void get_triangle(cursor *at, double *a, size_t w) {
    for (size_t i = 0; i < w; i++)
        get(at, a + i * w, i + 1);
    dense_mirror(a, (int)w);
}

static err add_paired(hessian *h, cursor *at, const double *x, const double *y, int T) {
    size_t w = (size_t)h->d + 1;
    CALL(fixed_gram(h->dd, y, T, (int)w));
    /* the other inputs without their constant: the same rows, one column less */
    CALL(fixed_cross(h->dx, y, (int)w, x, (int)w, T, h->d, (int)w));
    CALL(put_triangle(at, h->dd, w));
    return put(at, h->dx, (size_t)h->d * w);
}

static err add_outputs(hessian *h, cursor *at, const double *x, const double *y, int T) {
    size_t w = (size_t)h->d + 1, m = (size_t)h->m;
    if (m == 0)
        return OK;
    CALL(fixed_cross(h->yx, y, h->m, x, (int)w, T, h->m, (int)w));
    memset(h->yy, 0, m * sizeof *h->yy);
    for (size_t t = 0; t < (size_t)T; t++)
        for (size_t r = 0; r < m; r++)
            h->yy[r] += y[t * m + r] * y[t * m + r];
    CALL(put(at, h->yx, m * w));
    return put(at, h->yy, m);
}

err hessian_add(hessian *h, const double *x, const double *y, int T) {
    size_t w = (size_t)h->d + 1;
    cursor at = cursor_of(h);
    err e = fixed_gram(h->xx, x, T, (int)w);
    if (e == OK)
        e = put_triangle(&at, h->xx, w);
    if (e == OK)
        e = h->dd ? add_paired(h, &at, x, y, T) : add_outputs(h, &at, x, y, T);
    return e == OK ? OK : err_prefix(e, "sums over calibration tokens");
}

/* yx = w dx, yy_r = w_r dd w_r */
static err outputs_from_pairs(hessian *h, const double *w) {
    size_t d = (size_t)h->d, width = d + 1, m = (size_t)h->m;
    double *product;
    CALL(mem_alloc(m + 1, sizeof *h->yy, &h->yy));
    CALL(mem_alloc(m * width + 1, sizeof *h->yx, &h->yx));
    CALL(mem_alloc(m * width + 1, sizeof *product, &product));
    dense_product(h->yx, w, h->dx, h->m, h->d, (int)width);
    dense_product(product, w, h->dd, h->m, h->d, (int)width);
    for (size_t r = 0; r < m; r++)
        h->yy[r] = dense_dot(w + r * d, product + r * width, h->d);
    free(product);
    free(h->dx);
    h->dx = NULL;
    return OK;
}

err hessian_reduce(hessian *h, const par *p, const double *w) {
    size_t width = (size_t)h->d + 1, m = (size_t)h->m;
    CALL(fixsum_reduce(p, h->acc, h->n));
    cursor at = cursor_of(h);
    get_triangle(&at, h->xx, width);
    if (h->dd) {
        get_triangle(&at, h->dd, width);
        get(&at, h->dx, (size_t)h->d * width);
    } else {
        get(&at, h->yx, m * width);
        get(&at, h->yy, m);
    }
    free(h->acc); /* the largest of its arrays, and nothing can be added any more */
    h->acc = NULL;
    return h->dd ? par_agree(p, outputs_from_pairs(h, w)) : OK;
}

err hessian_take_dense(hessian *h, hessian **out) {
    CALL(mem_alloc(1, sizeof **out, out));
    (*out)->d = h->d;
    (*out)->xx = h->dd;
    h->dd = NULL;
    return OK;
}
