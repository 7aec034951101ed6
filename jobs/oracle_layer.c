#include "oracle_layer.h"

#include "base/arena.h"
#include "linalg/factor.h"
#include "prune/obs.h"
#include "prune/scores.h"
#include "prune/sparsegpt.h"

#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-6; /* both in float64, condition numbers below 1e5 */

enum { BLOCK = 8 }; /* columns of a block of SparseGPT in the vectors */

/* with and without an inverse; H = factor factor^T */
static err compare_sparsegpt(vectors *v, const refit *r, const double *factor, const char *sparsity,
                             int fast) {
    sparsegpt_plan plan = {.sparsity = strtod(sparsity, NULL), .block = BLOCK};
    size_t all = (size_t)r->m * (size_t)r->d;
    const char *who = fast ? "one factor" : "reference";
    double *w = NULL, *mask;
    char *kept = NULL;
    err e;
    TRY(mem_alloc(2 * all, sizeof *w, &w));
    TRY(mem_alloc(all, 1, &kept));
    mask = w + all;
    memcpy(w, r->start, all * sizeof *w);
    TRY(fast ? sparsegpt_prune(w, kept, factor, r->m, r->d, &plan)
             : sparsegpt_reference(w, kept, r->inverse, r->m, r->d, &plan));
    for (size_t i = 0; i < all; i++)
        mask[i] = kept[i];
    TRY(oracle_layer_compare(v, who, "sparsegpt", sparsity, "mask", mask, (int64_t)all, 0.0));
    TRY(oracle_layer_compare(v, who, "sparsegpt", sparsity, "weight", w, (int64_t)all, TOLERANCE));
done:
    free(w);
    free(kept);
    return e;
}

static err compare_wanda(vectors *v, const hessian *h, const char *sparsity) {
    size_t d = (size_t)h->d, all = (size_t)h->m * d;
    double *w = NULL, *score = NULL;
    char *kept = NULL;
    err e;
    TRY(vectors_load(v, "weight", (int64_t)all, &w));
    TRY(mem_alloc(d, sizeof *score, &score));
    TRY(mem_alloc(d, 1, &kept));
    for (size_t i = 0; i < all; i += d) {
        scores_wanda(score, w + i, h);
        select_lowest(score, h->d, obs_removals(strtod(sparsity, NULL), h->d), kept);
        for (size_t k = 0; k < d; k++)
            w[i + k] = kept[k];
    }
    TRY(oracle_layer_compare(v, "scores", "wanda", sparsity, "mask", w, (int64_t)all, 0.0));
done:
    free(w);
    free(score);
    free(kept);
    return e;
}

err oracle_layer(vectors *v, const refit *r, const hessian *h) {
    static const char *const sparsities[] = {"0.3", "0.5", "0.875"};
    double *factor = NULL;
    size_t d = (size_t)r->d, n = d + 1;
    err e;
    TRY(mem_alloc(d * d, sizeof *factor, &factor));
    for (size_t i = 0; i < d * d; i++)
        factor[i] =
            h->xx[i / d * n + i % d] / h->xx[d * n + d] + (i / d == i % d ? r->report.ridge : 0.0);
    TRY(factor_upper(factor, factor, r->d));
    for (int i = 0; i < 3; i++) {
        TRY(oracle_layer_obs(v, r, sparsities[i]));
        TRY(compare_sparsegpt(v, r, factor, sparsities[i], 0));
        TRY(compare_sparsegpt(v, r, factor, sparsities[i], 1));
        TRY(compare_wanda(v, h, sparsities[i]));
    }
done:
    free(factor);
    return e;
}
