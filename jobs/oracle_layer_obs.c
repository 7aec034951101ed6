#include "oracle_layer.h"

#include "base/arena.h"
#include "prune/kept.h"
#include "prune/obs_fast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* both sides compute in float64, in different orders, with condition numbers below 1e5; float32 has
 * seven digits */
static const double TOLERANCE = 1e-6, TOLERANCE_FLOAT32 = 1e-5;

typedef enum obs_way { BY_DEFINITION, IN_BLOCKS, IN_FLOAT32, WAYS } obs_way;

err oracle_layer_compare(vectors *v, const char *who, const char *method, const char *sparsity,
                         const char *part, const double *mine, int64_t n, double tolerance) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", method, sparsity, part);
    return vectors_compare(v, who, name, mine, n, tolerance);
}

/* one row: w (d), kept (d), order, loss (k) */
static err remove_row(obs *s, obs_fast *f, const float *rounded, const refit *r, int row, int k,
                      obs_way way, double *w, char *kept, int32_t *order, double *loss) {
    const double *start = r->start + (size_t)row * (size_t)r->d;
    const obs_plan plan = {.at = &k, .n = 1};
    int enough = 1;
    if (way == IN_BLOCKS)
        return obs_run(s, &plan, start, r->inverse, w, kept, order, loss);
    if (way == IN_FLOAT32) {
        obs_fast_run(f, &plan, start, rounded, w, kept, order, loss, &enough);
        CHECK(enough, ERR_FAILED, "row %d: float32 is not enough", row);
        return OK;
    }
    memcpy(w, start, (size_t)r->d * sizeof *w);
    CALL(obs_row_reference(w, r->inverse, r->d, k, order, loss));
    for (int i = 0; i < r->d; i++)
        kept[i] = w[i] != 0.0;
    return OK;
}

/* all rows: w (m, d), kept (m, d), order, loss (m, k) */
static err remove_rows(const refit *r, int k, obs_way way, double *w, char *kept, int32_t *order,
                       double *loss) {
    obs *s = NULL;
    obs_fast *f = NULL;
    float *rounded = NULL;
    size_t d = (size_t)r->d;
    err e;
    TRY(obs_create(r->d, &s));
    TRY(obs_fast_create(r->d, NULL, &f));
    TRY(mem_alloc(d * d, sizeof *rounded, &rounded));
    for (size_t i = 0; i < d * d; i++)
        rounded[i] = (float)r->inverse[i];
    for (int i = 0; i < r->m; i++, w += d, kept += d, order += k, loss += k)
        TRY(remove_row(s, f, rounded, r, i, k, way, w, kept, order, loss));
done:
    obs_destroy(&s);
    obs_fast_destroy(&f);
    free(rounded);
    return e;
}

/* least squares on the masks: w (m, d) */
static err fit_rows(const refit *r, const char *kept, double *w) {
    kept_fit *fit;
    err e = kept_create(r->d, &fit);
    for (size_t i = 0; i < (size_t)r->m && e == OK; i++)
        e = kept_weights(fit, w + i * (size_t)r->d, kept + i * (size_t)r->d,
                         r->start + i * (size_t)r->d, NULL, r->inverse, NULL);
    kept_destroy(&fit);
    return e;
}

static err compare_way(vectors *v, const refit *r, const char *sparsity, obs_way way) {
    static const char *const names[WAYS] = {"reference", "blocks", "float32"};
    const double tolerance = way == IN_FLOAT32 ? TOLERANCE_FLOAT32 : TOLERANCE;
    int k = (int)obs_removals(strtod(sparsity, NULL), r->d);
    size_t all = (size_t)r->m * (size_t)r->d, gone = (size_t)r->m * (size_t)k;
    double *w = NULL, *mask = NULL, *order = NULL, *loss = NULL;
    char *kept = NULL;
    int32_t *index = NULL;
    const char *who = names[way];
    err e;
    TRY(mem_alloc(2 * (all + gone), sizeof *w, &w));
    TRY(mem_alloc(all, 1, &kept));
    TRY(mem_alloc(gone, sizeof *index, &index));
    mask = w + all;
    order = mask + all;
    loss = order + gone;
    TRY(remove_rows(r, k, way, w, kept, index, loss));
    for (size_t i = 0; i < all; i++)
        mask[i] = kept[i];
    for (size_t i = 0; i < gone; i++)
        order[i] = index[i];
    TRY(oracle_layer_compare(v, who, "obs", sparsity, "order", order, (int64_t)gone, 0.0));
    TRY(oracle_layer_compare(v, who, "obs", sparsity, "mask", mask, (int64_t)all, 0.0));
    TRY(oracle_layer_compare(v, who, "obs", sparsity, "loss", loss, (int64_t)gone, tolerance));
    TRY(oracle_layer_compare(v, who, "obs", sparsity, "weight", w, (int64_t)all, tolerance));
    TRY(fit_rows(r, kept, w));
    TRY(oracle_layer_compare(v, who, "refit", sparsity, "weight", w, (int64_t)all, TOLERANCE));
done:
    free(w);
    free(kept);
    free(index);
    return e;
}

err oracle_layer_obs(vectors *v, const refit *r, const char *sparsity) {
    for (obs_way way = BY_DEFINITION; way < WAYS; way++)
        CALL(compare_way(v, r, sparsity, way));
    return OK;
}
