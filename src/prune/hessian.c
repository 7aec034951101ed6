#include "prune/hessian.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/sums.h"
#include "par/fixsum.h"

#include <stdlib.h>
#include <string.h>

/* numbers in the lower triangle of order w */
static size_t triangle(size_t w) {
    return w * (w + 1) / 2;
}

/* the arrays of sums, or of a chunk's products */
static err arrays_create(hessian *h) {
    size_t w = (size_t)h->d + 1, rows = (size_t)h->m;
    CALL(mem_alloc(w * w, sizeof *h->xx, &h->xx));
    if (h->paired)
        return mem_alloc((size_t)h->d * w, sizeof *h->dx, &h->dx);
    CALL(mem_alloc(rows * w + 1, sizeof *h->yx, &h->yx));
    return mem_alloc(rows + 1, sizeof *h->yy, &h->yy);
}

static err create(int d, int m, int paired, const hessian *beside, hessian **out) {
    err e = OK;
    hessian *h = NULL;
    size_t w = (size_t)d + 1, rows = (size_t)m;
    CALL(mem_alloc(1, sizeof *h, &h));
    *h = (hessian){.d = d, .m = m, .paired = paired, .beside = beside};
    h->n = triangle(w) + (paired ? (size_t)d * w : rows * w + rows);
    if (!beside) {
        TRY(arrays_create(h));
        TRY(chained_room_create(&h->packed));
    }
    TRY(mem_alloc(2 * h->n, sizeof *h->acc, &h->acc));
done:
    if (e != OK)
        hessian_destroy(&h);
    *out = h;
    return e;
}

err hessian_create(int d, int m, const hessian *beside, hessian **out) {
    return create(d, m, 0, beside, out);
}

err hessian_create_paired(int d, int m, const hessian *beside, hessian **out) {
    return create(d, m, 1, beside, out);
}

void hessian_destroy(hessian **h) {
    if (!*h)
        return;
    free((*h)->xx);
    free((*h)->yx);
    free((*h)->yy);
    free((*h)->dx);
    free((*h)->acc);
    chained_room_destroy(&(*h)->packed);
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

/* squares of the outputs */
static void make_squares(double *yy, const double *y, int T, int m) {
    memset(yy, 0, (size_t)m * sizeof *yy);
    for (size_t t = 0; t < (size_t)T; t++)
        for (size_t r = 0; r < (size_t)m; r++)
            yy[r] += y[t * (size_t)m + r] * y[t * (size_t)m + r];
}

/* a chunk's products, into the arrays of room */
static err multiply(const hessian *room, const double *x, const double *y, int T) {
    const int w = room->d + 1;
    if (room->paired) /* the other inputs without their constant: the same rows, one column less */
        return sums_both(room->packed, room->xx, room->dx, y, w, x, T, room->d, w);
    if (room->m == 0)
        return sums_gram(room->packed, room->xx, x, T, w);
    make_squares(room->yy, y, T, room->m);
    return sums_both(room->packed, room->xx, room->yx, y, room->m, x, T, room->m, w);
}

err hessian_add(hessian *h, const double *x, const double *y, int T) {
    const hessian *room = h->beside ? h->beside : h;
    size_t w = (size_t)h->d + 1, m = (size_t)h->m;
    cursor at = cursor_of(h);
    err e = multiply(room, x, y, T);
    if (e == OK)
        e = put_triangle(&at, room->xx, w);
    if (e == OK)
        e = h->paired ? put(&at, room->dx, (size_t)h->d * w) : put(&at, room->yx, m * w);
    if (e == OK && !h->paired)
        e = put(&at, room->yy, m);
    return e == OK ? OK : err_prefix(e, "sums over calibration tokens");
}

err hessian_reduce(hessian *h, const par *p) {
    size_t width = (size_t)h->d + 1, m = (size_t)h->m;
    CALL(par_agree(p, h->beside ? arrays_create(h) : OK));
    h->beside = NULL;
    CALL(fixsum_reduce(p, h->acc, h->n));
    cursor at = cursor_of(h);
    get_triangle(&at, h->xx, width);
    if (h->paired) {
        get(&at, h->dx, (size_t)h->d * width);
    } else {
        get(&at, h->yx, m * width);
        get(&at, h->yy, m);
    }
    free(h->acc); /* the largest of its arrays, and nothing can be added any more */
    h->acc = NULL;
    chained_room_destroy(&h->packed);
    return OK;
}

/* yy_r = w_r xx w_r */
err hessian_squares(hessian *dense, const double *w, int m) {
    size_t d = (size_t)dense->d, width = d + 1;
    double *product;
    free(dense->yy);
    dense->yy = NULL;
    CALL(mem_alloc((size_t)m + 1, sizeof *dense->yy, &dense->yy));
    CALL(mem_alloc((size_t)m * width + 1, sizeof *product, &product));
    dense_product(product, w, dense->xx, m, dense->d, (int)width);
    for (size_t r = 0; r < (size_t)m; r++)
        dense->yy[r] = dense_dot(w + r * d, product + r * width, dense->d);
    free(product);
    return OK;
}

/* yx = w dx */
err hessian_pair(hessian *h, const double *w, const hessian *dense) {
    size_t width = (size_t)h->d + 1, m = (size_t)h->m;
    CALL(mem_alloc(m + 1, sizeof *h->yy, &h->yy));
    CALL(mem_alloc(m * width + 1, sizeof *h->yx, &h->yx));
    memcpy(h->yy, dense->yy, m * sizeof *h->yy);
    dense_product(h->yx, w, h->dx, h->m, h->d, (int)width);
    free(h->dx);
    h->dx = NULL;
    return OK;
}
