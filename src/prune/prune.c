#include "prune/prune.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/monitor.h"
#include "par/preempt.h"
#include "prune/calibration.h"
#include "prune/finished.h"
#include "prune/linears.h"
#include "prune/refit.h"
#include "prune/rows.h"
#include "prune/shares.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* one pruning on its way */
typedef struct pruning {
    const prune_job *j;
    way way;
    pattern pattern;
    encoder *m; /* the model that is being pruned */
    calibration *c;
    prune_layer *rows;   // (6 L + 2)
    int n;               /* rows so far */
    const double *share; // (6 L) of each linear's weights that are removed, in the rows' order
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

/* what the factorisations did, the method's own included */
static void record_numbers(prune_layer *row, const refit *r, const pruned_rows *rows) {
    row->damping = r->damping > 0.0 ? r->damping : rows->damping;
    row->retries = r->report.retries + rows->retries;
    row->condition = r->report.condition;
    row->residual = r->report.residual;
    memcpy(row->factorisation, r->report.factorisation, sizeof row->factorisation);
    if (row->retries > 0)
        log_warning("block %d %s: the Hessian was not positive definite; damping raised %d times "
                    "to %.2g of the mean diagonal",
                    row->layer, row->linear, row->retries, row->damping);
}

/* one linear of l, from its first row on, into the model and the report */
static void store_linear(pruning *s, const linears *l, int q, const pruned_rows *rows, int first,
                         const hessian *own, const refit *r) {
    const linear_view *v = &l->pruned[q];
    double error = 0.0, all = 0.0;
    int64_t removed = 0, swapped = 0;
    memcpy(v->w, rows->w + (size_t)first * (size_t)v->in,
           (size_t)v->out * (size_t)v->in * sizeof *v->w);
    for (int i = 0; i < v->out; i++) {
        v->b[i] = (float)((double)l->dense[q].b[i] + rows->shift[first + i]);
        error += rows->error[first + i];
        all += own->yy[first + i];
        removed += rows->removed[first + i];
        swapped += rows->swapped[first + i];
    }
    prune_layer *row = row_add(s, v, removed, error / all);
    row->swapped = swapped;
    record_numbers(row, r, rows);
}

/* what a stage's rows are to become; the head (NULL shares) loses nothing */
static rows_request request_of(const pruning *s, const linears *l, const double *share,
                               int linear_rows[LINEARS_MAX]) {
    for (int q = 0; q < l->n; q++)
        linear_rows[q] = l->dense[q].out;
    return (rows_request){.method = share ? s->way.rows : ROWS_MAGNITUDE,
                          .sparsity = share,
                          .n = 1,
                          .linear_rows = linear_rows,
                          .linears = l->n,
                          .pattern = s->pattern,
                          .refit = s->way.refit,
                          .swaps = s->way.swaps,
                          .damping = s->j->o->damping,
                          .seed = s->j->seed,
                          .site = (uint32_t)s->n};
}

/* from sums to weights in the model: l's linears */
static err solve(pruning *s, const linears *l, refit_target target, const rows_request *q, int bias,
                 const hessian *own, const hessian *for_obs) {
    refit r = {0};
    pruned_rows rows = {0};
    double *dense = NULL;
    float *biases = NULL;
    err e = mem_alloc((size_t)l->out * (size_t)l->in, sizeof *dense, &dense);
    if (e == OK)
        e = mem_alloc((size_t)l->out, sizeof *biases, &biases);
    TRY(par_agree(s->j->p, e));
    linears_dense_weight(l, dense);
    linears_dense_bias(l, biases);
    refit_job job = {.own = own,
                     .obs = for_obs,
                     .dense = dense,
                     .target = target,
                     .bias = bias,
                     .inverse = rows_need_inverse(q),
                     .damping = s->j->o->damping,
                     .factorisation = s->how};
    TRY(refit_make(s->j->p, &job, &r));
    TRY(rows_prune(s->j->p, &r, own, for_obs, biases, q, &rows));
    for (int k = 0, at = 0; k < l->n; at += l->dense[k++].out)
        store_linear(s, l, k, &rows, at, own, &r);
done:
    free(dense);
    free(biases);
    rows_free(&rows);
    refit_free(&r);
    return e;
}

/* sums, then weights, of one of the four stages of the current block */
static err prune_stage(pruning *s, block_stage at) {
    linears l = linears_of_block(s->j->dense, s->m, s->block, at);
    int linear_rows[LINEARS_MAX];
    rows_request q = request_of(s, &l, s->share + s->n, linear_rows);
    hessian *own = NULL, *dense = NULL;
    err e;
    TRY(linears_sums(&l, s->j->p, s->c, &own, s->way.prefix ? NULL : &dense));
    TRY(solve(s, &l, s->way.fitted ? TARGET_ADAPTIVE : TARGET_DENSE, &q, s->way.bias, own,
              dense ? dense : own));
done:
    hessian_destroy(&own);
    hessian_destroy(&dense);
    return e;
}

/* pooler or classifier: nothing is removed, and the weights stay near the dense ones */
static err refit_linear(pruning *s, linears l) {
    static const double none[LINEARS_MAX] = {0.0};
    int linear_rows[LINEARS_MAX];
    rows_request q = request_of(s, &l, NULL, linear_rows);
    q.sparsity = none;
    q.pattern = (pattern){0};
    q.refit = q.swaps = 0;
    hessian *own = NULL;
    err e;
    TRY(linears_sums(&l, s->j->p, s->c, &own, NULL));
    TRY(solve(s, &l, TARGET_NEAR_DENSE, &q, 1, own, own));
done:
    hessian_destroy(&own);
    return e;
}

static err refit_head(pruning *s) {
    CALL(refit_linear(s, linears_of_pooler(s->j->dense, s->m)));
    return s->m->c.K > 0 ? refit_linear(s, linears_of_classifier(s->j->dense, s->m)) : OK;
}

/* the four dependent stages of the current block, then on to the next */
static err prune_block(pruning *s) {
    for (block_stage at = STAGE_QKV; at < STAGE_DONE; at++)
        CALL(prune_stage(s, at));
    return calibration_advance(s->c);
}

/* what is left after the blocks that a checkpoint brought */
static err prune_rest(pruning *s, int finished, const char *key) {
    const prune_job *j = s->j;
    int L = s->m->c.L;
    monitor mon;
    CALL(calibration_open(j->p, j->dense, s->m, j->calibration, (int)j->o->chunk, &s->c));
    for (; s->block < finished; s->block++)
        CALL(calibration_advance(s->c));
    monitor_begin(&mon, j->title ? j->title : "prune", "blocks", L);
    for (; s->block < L; s->block++) {
        CALL(prune_block(s));
        monitor_step(&mon, s->block + 1, NAN);
        if (j->checkpoint)
            CALL(finished_write(j, key, s->m, s->block + 1, s->rows, s->n));
        CALL(preempt_agree(j->p));
    }
    if (s->way.head)
        CALL(refit_head(s));
    monitor_end(&mon);
    return OK;
}

/* all that can be refused before anything is computed */
static err begin(pruning *s) {
    const prune_job *j = s->j;
    CALL(way_of(j->method, j->o, &s->way));
    CHECK(j->sparsity >= 0.0 && j->sparsity < 1.0, ERR_USAGE, "prune: sparsity %g is not in [0, 1)",
          j->sparsity);
    if (j->pattern) {
        CALL(pattern_parse(j->pattern, &s->pattern));
        for (linear_kind k = 0; k < LINEAR_COUNT; k++)
            CALL(pattern_check(s->pattern, encoder_linear(j->dense, 0, k).in));
    }
    prune_factorisation(j->o, s->how);
    return linalg_check(j->p, s->how);
}

err prune_model(const prune_job *j, prune_layer *layers, int *n, encoder **out) {
    err e = OK;
    char key[65] = "";
    int finished = 0;
    double *share = NULL;
    pruning s = {.j = j, .rows = layers};
    CALL(begin(&s));
    TRY(par_agree(j->p, encoder_copy(j->dense, &s.m)));
    TRY(par_agree(j->p, mem_alloc((size_t)j->dense->c.L * LINEAR_COUNT, sizeof *share, &share)));
    if (j->checkpoint) {
        TRY(par_agree(j->p, finished_key(j, key)));
        TRY(finished_read(j, key, s.m, &finished, layers, &s.n));
    }
    if (finished < j->dense->c.L)
        TRY(shares_make(j, &s.way, s.how, share));
    s.share = share;
    TRY(prune_rest(&s, finished, key));
    *n = s.n;
    *out = s.m;
    s.m = NULL;
done:
    free(share);
    calibration_close(&s.c);
    encoder_destroy(&s.m);
    return e;
}

void prune_factorisation(const prune_options *o, char how[64]) {
    int automatic = strcmp(o->grid, "auto") == 0;
    snprintf(how, 64, "%.20s%s%.40s", o->factorisation, automatic ? "" : " ",
             automatic ? "" : o->grid);
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
