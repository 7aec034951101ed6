#include "prune/pruning.h"

#include "base/arena.h"
#include "base/log.h"
#include "prune/linears.h"
#include "prune/refit.h"
#include "prune/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* one model in a stage */
typedef struct part {
    pruning *of;
    linears l;
    int linear_rows[LINEARS_MAX];
    double share[LINEARS_MAX], trace[LINEARS_MAX];
    rows_request q; /* as if it were alone */
    refit_job job;
    int fit;  /* which of the stage's fits is its own */
    int done; /* its weights are in the model */
} part;

typedef struct stage {
    const prunings *s;
    part *parts;    // (n)
    int n;          /* models */
    hessian **sums; // (n) of each prefix, NULL where it is another's
    hessian *dense; /* of the dense model's inputs; NULL: nobody wants them */
    double *weight; // (out, in) dense
    float *bias;    // (out)
    refit_job *job; // (n) without repetition
    refit *fit;     // (n)
    int fits;
    int ahead; /* a fit that one rank makes while the others prune rows, -1: none */
} stage;

static prune_layer *row_add(pruning *s, int layer, const linear_view *v, int64_t removed,
                            double error) {
    prune_layer *r = &s->rows[s->n++];
    memset(r, 0, sizeof *r);
    *r = (prune_layer){.layer = layer,
                       .out = v->out,
                       .in = v->in,
                       .removed = removed,
                       .condition = NAN,
                       .residual = NAN,
                       .error = error,
                       .factorisation = "none"};
    snprintf(r->linear, sizeof r->linear, "%s", v->name);
    log_detail("%s: block %d %-10s %lld of %lld weights removed, relative output error %.4g",
               s->j->title ? s->j->title : "prune", r->layer, r->linear, (long long)removed,
               (long long)v->out * v->in, error);
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

/* one linear, from its first row on, into the model and the report */
static void store_linear(const part *a, int layer, int q, const pruned_rows *rows, int first,
                         const refit *r) {
    const linear_view *v = &a->l.pruned[q];
    double error = 0.0, all = 0.0;
    int64_t removed = 0, swapped = 0;
    memcpy(v->w, rows->w + (size_t)first * (size_t)v->in,
           (size_t)v->out * (size_t)v->in * sizeof *v->w);
    for (int i = 0; i < v->out; i++) {
        v->b[i] = (float)((double)a->l.dense[q].b[i] + rows->shift[first + i]);
        error += rows->error[first + i];
        all += a->job.own->yy[first + i];
        removed += rows->removed[first + i];
        swapped += rows->swapped[first + i];
    }
    prune_layer *row = row_add(a->of, layer, v, removed, error / all);
    row->swapped = swapped;
    record_numbers(row, r, rows);
}

/* ---- what is asked for ---- */

/* what the rows of a stage of a block are to become */
static void ask_rows(part *a) {
    const pruning *s = a->of;
    for (int q = 0; q < a->l.n; q++) {
        a->linear_rows[q] = a->l.dense[q].out;
        a->share[q] = s->share[s->n + q];
        a->trace[q] = s->trace;
    }
    a->q = (rows_request){.method = s->way.rows,
                          .sparsity = a->share,
                          .n = 1,
                          .linear_rows = a->linear_rows,
                          .linears = a->l.n,
                          .pattern = s->pattern,
                          .refit = s->way.refit,
                          .swaps = s->way.swaps,
                          .trace = s->trace > 0.0 ? a->trace : NULL,
                          .damping = s->j->o->damping,
                          .seed = s->j->seed,
                          .site = (uint32_t)s->n};
}

/* of pooler or classifier: nothing is removed, and the weights stay near the dense ones */
static void ask_nothing(part *a) {
    ask_rows(a);
    memset(a->share, 0, sizeof a->share);
    a->q.method = ROWS_MAGNITUDE;
    a->q.pattern = (pattern){0};
    a->q.refit = a->q.swaps = 0;
    a->q.trace = NULL;
}

/* 1: two jobs of one stage have the same result */
static int same_fit(const refit_job *a, const refit_job *b) {
    return a->obs == b->obs && a->target == b->target && a->bias == b->bias &&
           a->inverse == b->inverse && (a->own == b->own || a->target == TARGET_DENSE);
}

/* the part's job, and its number among those of the stage that differ */
static void ask_fit(stage *t, part *a, const hessian *own, refit_target target, int bias) {
    a->job = (refit_job){.own = own,
                         .obs = t->dense && !a->of->way.prefix ? t->dense : own,
                         .dense = t->weight,
                         .target = target,
                         .bias = bias,
                         .inverse = rows_need_inverse(&a->q),
                         .damping = t->s->o->damping,
                         .factorisation = t->s->how};
    for (a->fit = 0; a->fit < t->fits; a->fit++)
        if (same_fit(&t->job[a->fit], &a->job))
            return;
    t->job[t->fits++] = a->job;
}

/* ---- what comes of it ---- */

/* 1: both rows are cut from one trace, which has the same bits for either alone */
static int same_trace(const part *a, const part *b) {
    return a->fit == b->fit && a->q.method == ROWS_OBS && b->q.method == ROWS_OBS && a->q.trace &&
           b->q.trace && a->trace[0] == b->trace[0] && a->q.refit == b->q.refit &&
           a->q.swaps == b->q.swaps;
}

/* the parts whose rows come with those of `first`: list; returns how many */
static int together(const stage *t, int first, part **list) {
    int n = 0;
    for (int i = first; i < t->n; i++)
        if (!t->parts[i].done && (i == first || same_trace(&t->parts[first], &t->parts[i])))
            list[n++] = &t->parts[i];
    return n;
}

/* a rank's work on the fit that is made ahead */
static err make_ahead(void *with) {
    stage *t = with;
    return refit_alone(&t->job[t->ahead], &t->fit[t->ahead]);
}

/* rows of the parts listed, by one call, into their models; layer: block, L for the head */
static err make_rows(stage *t, const refit *r, part *const *list, int n, int layer) {
    int width = list[0]->l.n; /* linears */
    pruned_rows *rows = NULL;
    double *share = NULL;
    const hessian **seen = NULL;
    err e = mem_alloc((size_t)n, sizeof *rows, &rows);
    if (e == OK)
        e = mem_alloc((size_t)(n * width), sizeof *share, &share);
    if (e == OK)
        e = mem_alloc((size_t)n, sizeof *seen, &seen);
    TRY(par_agree(t->s->p, e));
    for (int i = 0; i < n; i++) {
        memcpy(share + i * width, list[i]->share, (size_t)width * sizeof *share);
        seen[i] = list[i]->job.own;
    }
    rows_request q = list[0]->q;
    q.n = n;
    q.sparsity = share;
    q.seen = seen;
    q.meanwhile = t->ahead >= 0 ? make_ahead : NULL;
    q.with = t;
    TRY(rows_prune(t->s->p, r, seen[0], list[0]->job.obs, t->bias, &q, rows));
    if (t->ahead >= 0)
        TRY(refit_finish(t->s->p, &t->job[t->ahead], &t->fit[t->ahead]));
    t->ahead = -1;
    for (int i = 0; i < n; i++) {
        for (int k = 0, at = 0; k < width; at += list[i]->l.dense[k++].out)
            store_linear(list[i], layer, k, &rows[i], at, r);
        list[i]->done = 1;
    }
done:
    for (int i = 0; rows && i < n; i++)
        rows_free(&rows[i]);
    free(rows);
    free(share);
    free(seen);
    return e;
}

/* all rows that start from fit k */
static err make_rows_of(stage *t, int k, int layer) {
    part **list = NULL;
    err e = mem_alloc((size_t)t->n, sizeof *list, &list);
    TRY(par_agree(t->s->p, e));
    for (int i = 0; i < t->n; i++) {
        if (t->parts[i].done || t->parts[i].fit != k)
            continue;
        int n = together(t, i, list);
        TRY(make_rows(t, &t->fit[k], list, n, layer));
    }
done:
    free(list);
    return e;
}

/* Every rank factors one at a time, so that no more are held than there are ranks: at first all of
 * them at once; then the next whenever one has been used up, by one rank while the others prune the
 * rows of the last. */
static err make_all(stage *t, int layer) {
    const par *p = t->s->p;
    int made = t->fits < p->size ? t->fits : p->size;
    err e;
    TRY(refit_make_all(p, t->job, made, t->fit));
    for (int k = 0; k < t->fits; k++) {
        if (made == k) { /* one rank */
            TRY(refit_make(p, &t->job[k], &t->fit[k]));
            made++;
        } else if (k > 0 && made < t->fits) {
            TRY(refit_begin(p, &t->job[made], made, &t->fit[made]));
            t->ahead = made++;
        }
        TRY(make_rows_of(t, k, layer));
        refit_free(&t->fit[k]);
    }
done:
    for (int k = 0; k < t->fits && e != OK; k++)
        refit_free(&t->fit[k]);
    return e;
}

/* ---- a stage ---- */

static void stage_free(stage *t) {
    for (int i = 0; t->sums && i < t->n; i++)
        hessian_destroy(&t->sums[i]);
    hessian_destroy(&t->dense);
    free(t->sums);
    free(t->parts);
    free(t->weight);
    free(t->bias);
    free(t->job);
    free(t->fit);
}

/* room for up to n models in stages of the shape of l */
static err stage_create(const prunings *s, int n, const linears *l, stage *t) {
    *t = (stage){.s = s, .ahead = -1};
    size_t each = (size_t)n;
    CALL(mem_alloc(each, sizeof *t->parts, &t->parts));
    CALL(mem_alloc(each, sizeof *t->sums, &t->sums));
    CALL(mem_alloc(each, sizeof *t->job, &t->job));
    CALL(mem_alloc(each, sizeof *t->fit, &t->fit));
    CALL(mem_alloc((size_t)l->out * (size_t)l->in, sizeof *t->weight, &t->weight));
    CALL(mem_alloc((size_t)l->out, sizeof *t->bias, &t->bias));
    linears_dense_weight(l, t->weight);
    linears_dense_bias(l, t->bias);
    return OK;
}

/* sums of every prefix and, where some method wants them, of the dense model */
static err stage_sums(stage *t, int prefixes) {
    int pure = 0;
    linears *l = NULL;
    err e = mem_alloc((size_t)t->n, sizeof *l, &l);
    TRY(par_agree(t->s->p, e));
    for (int i = 0; i < t->n; i++) {
        l[i] = t->parts[i].l;
        pure |= !t->parts[i].of->way.prefix;
    }
    TRY(linears_sums(l, prefixes, t->s->p, t->s->c, t->sums, pure ? &t->dense : NULL));
done:
    free(l);
    return e;
}

/* 1: no model has lost anything yet that the current stage sees */
static int same_prefix(const calibration *c) {
    return calibration_block(c) == 0 && calibration_stage(c) == STAGE_QKV;
}

err pruning_stage(prunings *s) {
    int block = calibration_block(s->c);
    block_stage at = calibration_stage(s->c);
    stage t;
    linears any = linears_of_block(s->dense, s->dense, 0, block, at);
    err e = stage_create(s, s->n, &any, &t);
    TRY(par_agree(s->p, e));
    for (int k = 0; k < s->n; k++) {
        if (s->one[k].finished > block)
            continue;
        part *a = &t.parts[t.n++];
        a->of = &s->one[k];
        a->l = linears_of_block(s->dense, s->one[k].m, k + 1, block, at);
        ask_rows(a);
    }
    if (t.n == 0)
        goto done;
    TRY(stage_sums(&t, same_prefix(s->c) ? 1 : t.n));
    for (int i = 0; i < t.n; i++) {
        part *a = &t.parts[i];
        ask_fit(&t, a, t.sums[i] ? t.sums[i] : t.sums[0],
                a->of->way.fitted ? TARGET_ADAPTIVE : TARGET_DENSE, a->of->way.bias);
    }
    TRY(make_all(&t, block));
done:
    stage_free(&t);
    return e;
}

/* one of the last two linears of one model */
static err refit_linear(prunings *s, pruning *one, const linears *l) {
    stage t;
    err e = stage_create(s, 1, l, &t);
    TRY(par_agree(s->p, e));
    t.n = 1;
    t.parts[0] = (part){.of = one, .l = *l};
    ask_nothing(&t.parts[0]);
    TRY(linears_sums(l, 1, s->p, s->c, t.sums, NULL));
    ask_fit(&t, &t.parts[0], t.sums[0], TARGET_NEAR_DENSE, 1);
    TRY(make_all(&t, s->dense->c.L));
done:
    stage_free(&t);
    return e;
}

err pruning_head(prunings *s) {
    for (int k = 0; k < s->n; k++) {
        pruning *one = &s->one[k];
        if (!one->way.head)
            continue;
        linears pooler = linears_of_pooler(s->dense, one->m, k + 1);
        CALL(refit_linear(s, one, &pooler));
        linears classifier = linears_of_classifier(s->dense, one->m, k + 1);
        if (s->dense->c.K > 0)
            CALL(refit_linear(s, one, &classifier));
    }
    return OK;
}
