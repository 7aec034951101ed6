#include "prune/shares.h"

#include "base/arena.h"
#include "base/log.h"
#include "prune/allocation.h"
#include "prune/calibration.h"
#include "prune/linears.h"
#include "prune/magnitude.h"
#include "prune/obs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* how finely the dynamic program counts weights: a ten-thousandth of the model */
enum { STEPS = 10000 };

static int count_of(const prune_job *j) {
    return j->dense->c.L * LINEAR_COUNT;
}

static linear_view view(const prune_job *j, int i) {
    return encoder_linear(j->dense, i / LINEAR_COUNT, (linear_kind)(i % LINEAR_COUNT));
}

static int64_t weights_of(const prune_job *j, int i) {
    linear_view v = view(j, i);
    return (int64_t)v.out * v.in;
}

static int64_t all_weights(const prune_job *j) {
    int64_t n = 0;
    for (int i = 0; i < count_of(j); i++)
        n += weights_of(j, i);
    return n;
}

/* one threshold on |w| for all linears */
static err by_threshold(const prune_job *j, double *share) {
    int n = count_of(j);
    err e = OK;
    const float **w = NULL;
    int64_t *weights = NULL, *removed = NULL;
    TRY(mem_alloc((size_t)n, sizeof *w, &w));
    TRY(mem_alloc((size_t)n, sizeof *weights, &weights));
    TRY(mem_alloc((size_t)n, sizeof *removed, &removed));
    for (int i = 0; i < n; i++) {
        w[i] = view(j, i).w;
        weights[i] = weights_of(j, i);
    }
    magnitude_shares(w, weights, n, obs_removals(j->sparsity, all_weights(j)), removed);
    for (int i = 0; i < n; i++)
        share[i] = (double)removed[i] / (double)weights[i];
done:
    free(w);
    free(weights);
    free(removed);
    return e;
}

static err from_file(const prune_job *j, double *share) {
    err e = OK;
    int n = count_of(j), *block = NULL;
    const char **name = NULL;
    const char *file = j->allocation_file ? j->allocation_file : j->o->allocation_file;
    TRY(mem_alloc((size_t)n, sizeof *block, &block));
    TRY(mem_alloc((size_t)n, sizeof *name, &name));
    for (int i = 0; i < n; i++) {
        block[i] = i / LINEAR_COUNT;
        name[i] = view(j, i).name;
    }
    TRY(allocation_read(file, block, name, n, share));
    double removed = 0.0;
    for (int i = 0; i < n; i++)
        removed += share[i] * (double)weights_of(j, i) / (double)all_weights(j);
    ENSURE(fabs(removed - j->sparsity) <= 0.01, ERR_DATA,
           "%s: removes %.1f %% of the weights in all, prune.sparsity asks for %.1f %%: change one "
           "of them",
           file, 100.0 * removed, 100.0 * j->sparsity);
done:
    free(block);
    free(name);
    return e;
}

/* the k-th share that is tried: the sparsity in the middle, the outer ones three quarters of the
 * way to 0 or 1 */
static double candidate(double sparsity, int k) {
    const double room = sparsity < 0.5 ? sparsity : 1.0 - sparsity, half = (SHARES - 1) / 2;
    return sparsity + 0.75 * room * (k - half) / half;
}

/* the dense model's errors for every candidate */
typedef struct trial {
    const prune_job *j;
    const way *way;
    const char *how;
    double *cost;     // (6 L, SHARES)
    int64_t *removed; // (6 L, SHARES)
    int first;        /* linear of the stage */
} trial;

static void count_errors(trial *t, const linears *l, const pruned_rows *rows, const hessian *own) {
    for (int k = 0; k < SHARES; k++)
        for (int q = 0, at = 0; q < l->n; at += l->dense[q++].out) {
            size_t place = (size_t)(t->first + q) * SHARES + (size_t)k;
            double error = 0.0, all = 0.0;
            for (int i = at; i < at + l->dense[q].out; i++) {
                error += rows[k].error[i];
                all += own->yy[i];
                t->removed[place] += rows[k].removed[i];
            }
            t->cost[place] = all > 0.0 ? error / all : 0.0;
        }
}

/* one stage of the dense model to every candidate, in one pass of the method */
static err try_stage(trial *t, calibration *c, const linears *l) {
    const par *p = t->j->p;
    err e = OK;
    hessian *own = NULL;
    refit r = {0};
    pruned_rows rows[SHARES] = {0};
    double *dense = NULL, sparsity[SHARES * LINEARS_MAX];
    float *bias = NULL;
    int linear_rows[LINEARS_MAX];
    for (int q = 0; q < l->n; q++)
        linear_rows[q] = l->dense[q].out;
    for (int k = 0; k < SHARES * l->n; k++)
        sparsity[k] = candidate(t->j->sparsity, k / l->n);
    rows_request q = {.method = t->way->rows,
                      .sparsity = sparsity,
                      .n = SHARES,
                      .linear_rows = linear_rows,
                      .linears = l->n,
                      .refit = t->way->refit,
                      .damping = t->j->o->damping,
                      .seed = t->j->seed,
                      .site = (uint32_t)t->first};
    e = mem_alloc((size_t)l->out * (size_t)l->in, sizeof *dense, &dense);
    if (e == OK)
        e = mem_alloc((size_t)l->out, sizeof *bias, &bias);
    TRY(par_agree(p, e));
    linears_dense_weight(l, dense);
    linears_dense_bias(l, bias);
    TRY(linears_sums(l, 1, p, c, &own, NULL));
    refit_job job = {.own = own,
                     .obs = own,
                     .dense = dense,
                     .target = TARGET_DENSE,
                     .bias = t->way->bias,
                     .inverse = rows_need_inverse(&q),
                     .damping = t->j->o->damping,
                     .factorisation = t->how};
    TRY(refit_make(p, &job, &r));
    TRY(rows_prune(p, &r, own, own, bias, &q, rows));
    count_errors(t, l, rows, own);
done:
    for (int k = 0; k < SHARES; k++)
        rows_free(&rows[k]);
    refit_free(&r);
    hessian_destroy(&own);
    free(dense);
    free(bias);
    return e;
}

static err try_all(trial *t) {
    const prune_job *j = t->j;
    err e;
    calibration *c = NULL;
    TRY(calibration_open(j->p, &j->dense, 1, j->calibration, (int)j->o->chunk, &c));
    for (int block = 0; block < j->dense->c.L; block++) {
        for (block_stage at = STAGE_QKV; at < STAGE_DONE; at++) {
            linears l = linears_of_block(j->dense, j->dense, 0, block, at);
            TRY(try_stage(t, c, &l));
            t->first += l.n;
            TRY(calibration_next(c));
        }
    }
done:
    calibration_close(&c);
    return e;
}

static err by_error(const prune_job *j, const way *w, const char *how, double *share) {
    size_t n = (size_t)count_of(j);
    trial t = {.j = j, .way = w, .how = how};
    int *choice = NULL;
    err e = mem_alloc(n * SHARES, sizeof *t.cost, &t.cost);
    if (e == OK)
        e = mem_alloc(n * SHARES, sizeof *t.removed, &t.removed);
    if (e == OK)
        e = mem_alloc(n, sizeof *choice, &choice);
    TRY(par_agree(j->p, e));
    TRY(try_all(&t));
    int64_t total = 0; /* what the uniform share removes, rounding of rows included */
    for (size_t i = 0; i < n; i++)
        total += t.removed[i * SHARES + (SHARES - 1) / 2];
    TRY(par_agree(j->p,
                  allocation_linears(t.cost, t.removed, (int)n, SHARES, total, STEPS, choice)));
    for (size_t i = 0; i < n; i++) {
        share[i] = candidate(j->sparsity, choice[i]);
        log_detail("block %d %-10s to lose %.1f %%", (int)i / LINEAR_COUNT, view(j, (int)i).name,
                   100.0 * share[i]);
    }
done:
    free(t.cost);
    free(t.removed);
    free(choice);
    return e;
}

err shares_make(const prune_job *j, const way *w, const char *how, double *share) {
    if (w->global)
        return par_agree(j->p, by_threshold(j, share));
    if (strcmp(j->o->allocation, "file") == 0 && !j->pattern)
        return par_agree(j->p, from_file(j, share));
    if (strcmp(j->o->allocation, "error") == 0 && !j->pattern && j->sparsity > 0.0)
        return by_error(j, w, how, share);
    for (int i = 0; i < count_of(j); i++)
        share[i] = j->sparsity;
    return OK;
}
