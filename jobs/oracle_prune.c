/* oracle prune FILE: Hessian, inverse, adaptive target and pruned weights of one layer, against
 * vectors made by another implementation in float64. */
#include "oracle.h"
#include "oracle_layer.h"
#include "vectors.h"

#include "base/arena.h"
#include "prune/refit.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32 };

/* both sides compute in float64, in different orders, with condition numbers below 1e5 */
static const double TOLERANCE = 1e-6;

/* H and Y X^T through the program's own sums, its bias column included, in chunks over ranks */
static err sums(const vectors *v, hessian *h, size_t T) {
    size_t d = (size_t)h->d, m = (size_t)h->m;
    double *xhat = NULL, *y = NULL, *x = NULL;
    err e;
    TRY(vectors_load(v, "xhat", (int64_t)(T * d), &xhat));
    TRY(vectors_load(v, "y", (int64_t)(T * m), &y));
    TRY(mem_alloc(T * (d + 1), sizeof *x, &x));
    for (size_t t = 0; t < T; t++) {
        memcpy(x + t * (d + 1), xhat + t * d, d * sizeof *x);
        x[t * (d + 1) + d] = 1.0;
    }
    for (size_t t = (size_t)v->p->rank * CHUNK; t < T; t += (size_t)v->p->size * CHUNK)
        TRY(hessian_add(h, x + t * (d + 1), y + t * m, T - t < CHUNK ? (int)(T - t) : CHUNK));
done:
    free(xhat);
    free(y);
    free(x);
    CALL(par_agree(v->p, e));
    return hessian_reduce(h, v->p);
}

static err compare_hessian(vectors *v, const hessian *h) {
    size_t d = (size_t)h->d;
    double *mean;
    CALL(mem_alloc(d * d, sizeof *mean, &mean));
    for (size_t i = 0; i < d * d; i++)
        mean[i] = h->xx[i / d * (d + 1) + i % d] / h->xx[d * (d + 1) + d];
    err e = vectors_compare(v, "sums", "hessian", mean, (int64_t)(d * d), TOLERANCE);
    free(mean);
    return e;
}

/* everything that follows from the sums, with one way of factorising */
static err compare_layer(vectors *v, const hessian *h, const char *way) {
    refit_job j = {.own = h,
                   .obs = h,
                   .target = TARGET_ADAPTIVE,
                   .inverse = 1,
                   .damping = 1e-4,
                   .factorisation = way};
    refit r = {0};
    err e;
    TRY(refit_make(v->p, &j, &r));
    TRY(vectors_compare(v, way, "inverse", r.inverse, (int64_t)h->d * h->d, TOLERANCE));
    TRY(vectors_compare(v, way, "target", r.start, (int64_t)h->m * h->d, TOLERANCE));
    if (strcmp(way, "local") == 0)
        TRY(oracle_layer(v, &r, h));
done:
    refit_free(&r);
    return e;
}

err oracle_prune(const par *p, const char *file) {
    vectors v = {.p = p, .file = file};
    hessian *h = NULL;
    err e;
    TRY(par_agree(p, safetensors_open(file, &v.s)));
    const st_array *w = safetensors_find(v.s, "weight"), *x = safetensors_find(v.s, "xhat");
    ENSURE(w && x && w->rank == 2 && x->rank == 2 && x->shape[1] == w->shape[1], ERR_DATA,
           "%s: arrays \"weight\" (out, in) and \"xhat\" (tokens, in) are wanted", file);
    TRY(par_agree(p, hessian_create((int)w->shape[1], (int)w->shape[0], NULL, &h)));
    TRY(sums(&v, h, (size_t)x->shape[0]));
    TRY(compare_hessian(&v, h));
    TRY(compare_layer(&v, h, "local"));
    TRY(compare_layer(&v, h, "distributed"));
    ENSURE(v.wrong == 0, ERR_FAILED, "%s: %d figures are outside their tolerance", file, v.wrong);
done:
    hessian_destroy(&h);
    safetensors_close(&v.s);
    return e;
}
