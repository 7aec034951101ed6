/* oracle prune FILE: Hessian, inverse, adaptive target and exact OBS of one layer, against vectors
 * made by another implementation in float64. */
#include "oracle.h"
#include "vectors.h"

#include "base/arena.h"
#include "prune/obs.h"
#include "prune/refit.h"

#include <stdio.h>
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
    return hessian_reduce(h, v->p, NULL);
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

/* one row at a time: w, mask (m, d), order, loss (m, k) */
static err remove_rows(const refit *r, int k, int fast, double *w, double *mask, double *order,
                       double *loss) {
    obs *s = NULL;
    int32_t *removed = NULL;
    char *kept = NULL;
    size_t d = (size_t)r->d;
    err e;
    TRY(obs_create(r->d, &s));
    TRY(mem_alloc((size_t)k, sizeof *removed, &removed));
    TRY(mem_alloc(d, 1, &kept));
    for (int i = 0; i < r->m; i++, w += d, mask += d, order += k, loss += k) {
        const double *start = r->start + (size_t)i * d;
        memcpy(w, start, d * sizeof *w);
        TRY(fast ? obs_run(s, &(obs_plan){.at = &k, .n = 1}, start, r->inverse, w, kept, removed,
                           loss)
                 : obs_row_reference(w, r->inverse, r->d, k, removed, loss));
        for (int t = 0; t < k; t++)
            order[t] = removed[t];
        for (size_t q = 0; q < d; q++)
            mask[q] = w[q] != 0.0;
    }
done:
    obs_destroy(&s);
    free(removed);
    free(kept);
    return e;
}

static err compare_obs(vectors *v, const refit *r, const char *sparsity, int fast) {
    static const char *const parts[] = {"order", "mask", "loss", "weight", "weight"};
    int k = (int)obs_removals(strtod(sparsity, NULL), r->d);
    size_t all = (size_t)r->m * (size_t)r->d, gone = (size_t)r->m * (size_t)k;
    double *x; // w, mask (all), order, loss (gone)
    char name[64];
    CALL(mem_alloc(2 * (all + gone), sizeof *x, &x));
    double *mask = x + all, *order = mask + all, *loss = order + gone;
    const double *mine[] = {order, mask, loss, x, x};
    err e = remove_rows(r, k, fast, x, mask, order, loss);
    for (int i = 0; i < 5 && e == OK; i++) {
        snprintf(name, sizeof name, "%s.%s.%s", i < 4 ? "obs" : "refit", sparsity, parts[i]);
        e = vectors_compare(v, fast ? "fast" : "reference", name, mine[i],
                            (int64_t)(i == 0 || i == 2 ? gone : all), i < 2 ? 0.0 : TOLERANCE);
    }
    free(x);
    return e;
}

/* everything that follows from the sums, with one way of factorising */
static err compare_layer(vectors *v, const hessian *h, const char *way) {
    static const char *const sparsities[] = {"0.3", "0.5", "0.875"};
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
    for (int i = 0; i < 6 && strcmp(way, "local") == 0; i++)
        TRY(compare_obs(v, &r, sparsities[i / 2], i % 2));
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
    TRY(par_agree(p, hessian_create((int)w->shape[1], (int)w->shape[0], &h)));
    TRY(sums(&v, h, (size_t)x->shape[0]));
    TRY(compare_hessian(&v, h));
    TRY(compare_layer(&v, h, "local"));
    TRY(compare_layer(&v, h, "distributed"));
    if (p->rank == 0)
        printf("not compared: sparsegpt.*, wanda.* (methods that this version does not have)\n");
    ENSURE(v.wrong == 0, ERR_FAILED, "%s: %d figures are outside their tolerance", file, v.wrong);
done:
    hessian_destroy(&h);
    safetensors_close(&v.s);
    return e;
}
