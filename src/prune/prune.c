#include "prune/prune.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/monitor.h"
#include "par/preempt.h"
#include "prune/calibration.h"
#include "prune/finished.h"
#include "prune/linears.h"
#include "prune/magnitude.h"
#include "prune/obs.h"
#include "prune/refit.h"
#include "prune/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* one pruning on its way */
typedef struct pruning {
    const prune_job *j;
    encoder *m; /* the model that is being pruned */
    calibration *c;
    prune_layer *rows; // (6 L + 2)
    int n;             /* rows so far */
    int block;
    char how[64]; /* to factor, as linalg.h takes it */
} pruning;

static prune_layer *row_add(pruning *s, const linear_view *v, int64_t removed, double error) {
    prune_layer *r = &s->rows[s->n++];
    memset(r, 0, sizeof *r);
    *r = (prune_layer){.layer = s->block,
                       .out = v->out,
                       .in = v->in,
                       .removed = removed,
                       .condition = NAN,
                       .residual = NAN,
                       .error = error,
                       .factorisation = "none"};
    snprintf(r->linear, sizeof r->linear, "%s", v->name);
    log_detail("block %d %-10s %lld of %lld weights removed, relative output error %.4g", r->layer,
               r->linear, (long long)removed, (long long)v->out * v->in, error);
    return r;
}

/* one linear of l, from its first row on, into the model and the report */
static void store_linear(pruning *s, const linears *l, int q, const pruned_rows *rows, int first,
                         int k, const hessian *own, const refit *r) {
    const linear_view *v = &l->pruned[q];
    double error = 0.0, all = 0.0;
    memcpy(v->w, rows->w + (size_t)first * (size_t)v->in,
           (size_t)v->out * (size_t)v->in * sizeof *v->w);
    for (int i = 0; i < v->out; i++) {
        v->b[i] = (float)((double)l->dense[q].b[i] + rows->shift[first + i]);
        error += rows->error[first + i];
        all += own->yy[first + i];
    }
    prune_layer *row = row_add(s, v, (int64_t)v->out * k, error / all);
    row->damping = r->damping;
    row->retries = r->report.retries;
    row->condition = r->report.condition;
    row->residual = r->report.residual;
    memcpy(row->factorisation, r->report.factorisation, sizeof row->factorisation);
    if (r->report.retries > 0)
        log_warning(
            "block %d %s: the Hessian was not positive definite; damping raised %d times to "
            "%.2g of the mean diagonal",
            row->layer, row->linear, row->retries, row->damping);
}

/* from sums to weights in the model: l's linears, k weights removed from every row */
static err solve(pruning *s, const linears *l, refit_target target, int k, const hessian *own,
                 const hessian *for_obs) {
    const prune_options *o = s->j->o;
    refit r = {0};
    pruned_rows rows = {0};
    double *dense = NULL;
    float *bias = NULL;
    err e = mem_alloc((size_t)l->out * (size_t)l->in, sizeof *dense, &dense);
    if (e == OK)
        e = mem_alloc((size_t)l->out, sizeof *bias, &bias);
    TRY(par_agree(s->j->p, e));
    linears_dense_weight(l, dense);
    linears_dense_bias(l, bias);
    refit_job job = {.own = own,
                     .obs = for_obs,
                     .dense = dense,
                     .target = target,
                     .bias = o->refit_bias,
                     .inverse = k > 0,
                     .damping = o->damping,
                     .factorisation = s->how};
    TRY(refit_make(s->j->p, &job, &r));
    int linear_rows[LINEARS_MAX];
    double sparsity[LINEARS_MAX];
    for (int q = 0; q < l->n; q++) {
        linear_rows[q] = l->dense[q].out;
        sparsity[q] = k > 0 ? s->j->sparsity : 0.0;
    }
    rows_request request = {.method = ROWS_OBS,
                            .sparsity = sparsity,
                            .n = 1,
                            .linear_rows = linear_rows,
                            .linears = l->n};
    TRY(rows_prune(s->j->p, &r, own, for_obs, bias, &request, &rows));
    for (int q = 0, at = 0; q < l->n; at += l->dense[q++].out)
        store_linear(s, l, q, &rows, at, k, own, &r);
done:
    free(dense);
    free(bias);
    rows_free(&rows);
    refit_free(&r);
    return e;
}

/* sums, then solve; the head is only re-fitted: k = 0 and weights near the dense ones */
static err prune_adaptive(pruning *s, const linears *l, refit_target target, int k) {
    hessian *own = NULL, *dense = NULL;
    int wants_dense = k > 0 && strcmp(s->j->o->hessian, "dense") == 0;
    err e;
    TRY(linears_sums(l, s->j->p, s->c, &own, wants_dense ? &dense : NULL));
    TRY(solve(s, l, target, k, own, dense ? dense : own));
done:
    hessian_destroy(&own);
    hessian_destroy(&dense);
    return e;
}

static err prune_magnitude(pruning *s, const linears *l) {
    double error[LINEARS_MAX];
    int64_t removed[LINEARS_MAX];
    for (int q = 0; q < l->n; q++) {
        int64_t n = (int64_t)l->pruned[q].out * l->pruned[q].in;
        removed[q] = obs_removals(s->j->sparsity, n);
        magnitude_prune(l->pruned[q].w, n, removed[q]);
    }
    CALL(linears_error(l, s->j->p, s->c, error));
    for (int q = 0; q < l->n; q++)
        row_add(s, &l->pruned[q], removed[q], error[q]);
    return OK;
}

/* the four dependent stages of the current block, then on to the next */
static err prune_block(pruning *s, int adaptive) {
    refit_target target = strcmp(s->j->o->target, "dense") == 0 ? TARGET_DENSE : TARGET_ADAPTIVE;
    for (block_stage at = STAGE_QKV; at < STAGE_DONE; at++) {
        linears l = linears_of_block(s->j->dense, s->m, s->block, at);
        if (adaptive)
            CALL(prune_adaptive(s, &l, target, (int)obs_removals(s->j->sparsity, l.in)));
        else
            CALL(prune_magnitude(s, &l));
    }
    return calibration_advance(s->c);
}

static err refit_head(pruning *s) {
    linears pooler = linears_of_pooler(s->j->dense, s->m);
    CALL(prune_adaptive(s, &pooler, TARGET_NEAR_DENSE, 0));
    if (s->m->c.K == 0)
        return OK;
    linears classifier = linears_of_classifier(s->j->dense, s->m);
    return prune_adaptive(s, &classifier, TARGET_NEAR_DENSE, 0);
}

/* what is left after the blocks that a checkpoint brought */
static err prune_rest(pruning *s, int finished, const char *key) {
    const prune_job *j = s->j;
    int adaptive = strcmp(j->method, "adaptive") == 0, L = s->m->c.L;
    monitor mon;
    CALL(calibration_open(j->p, j->dense, s->m, j->calibration, (int)j->o->chunk, &s->c));
    for (; s->block < finished; s->block++)
        CALL(calibration_advance(s->c));
    monitor_begin(&mon, j->title ? j->title : "prune", "blocks", L);
    for (; s->block < L; s->block++) {
        CALL(prune_block(s, adaptive));
        monitor_step(&mon, s->block + 1, NAN);
        if (j->checkpoint)
            CALL(finished_write(j, key, s->m, s->block + 1, s->rows, s->n));
        CALL(preempt_agree(j->p));
    }
    if (adaptive && j->o->refit_head)
        CALL(refit_head(s));
    monitor_end(&mon);
    return OK;
}

void prune_factorisation(const prune_options *o, char how[64]) {
    int automatic = strcmp(o->grid, "auto") == 0;
    snprintf(how, 64, "%.20s%s%.40s", o->factorisation, automatic ? "" : " ",
             automatic ? "" : o->grid);
}

err prune_model(const prune_job *j, prune_layer *layers, int *n, encoder **out) {
    err e = OK;
    char key[65] = "";
    int finished = 0;
    pruning s = {.j = j, .rows = layers};
    CHECK(strcmp(j->method, "adaptive") == 0 || strcmp(j->method, "magnitude") == 0, ERR_USAGE,
          "prune: unknown method \"%s\": adaptive or magnitude", j->method);
    CHECK(j->sparsity >= 0.0 && j->sparsity < 1.0, ERR_USAGE, "prune: sparsity %g is not in [0, 1)",
          j->sparsity);
    prune_factorisation(j->o, s.how);
    CALL(linalg_check(j->p, s.how));
    TRY(par_agree(j->p, encoder_copy(j->dense, &s.m)));
    if (j->checkpoint) {
        TRY(par_agree(j->p, finished_key(j, key)));
        TRY(finished_read(j, key, s.m, &finished, layers, &s.n));
    }
    TRY(prune_rest(&s, finished, key));
    *n = s.n;
    *out = s.m;
    s.m = NULL;
done:
    calibration_close(&s.c);
    encoder_destroy(&s.m);
    return e;
}

double prune_sparsity(const encoder *m, int64_t *zeros, int64_t *total) {
    *zeros = *total = 0;
    for (int l = 0; l < m->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            int64_t n = (int64_t)v.out * v.in;
            for (int64_t i = 0; i < n; i++)
                *zeros += v.w[i] == 0.0f;
            *total += n;
        }
    return *total > 0 ? (double)*zeros / (double)*total : 0.0;
}
