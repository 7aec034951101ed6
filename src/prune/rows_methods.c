#include "prune/rows_part.h"

#include "base/arena.h"
#include "linalg/factor.h"
#include "par/runs.h"
#include "prune/allocation.h"
#include "prune/kept.h"
#include "prune/obs.h"
#include "prune/obs_fast.h"
#include "prune/scores.h"
#include "prune/sparsegpt.h"
#include "prune/swaps.h"

#include <stdlib.h>
#include <string.h>

enum { RETRIES_MOST = 8 };

static size_t width(const rows_part *s) {
    return (size_t)s->r->d;
}

/* own row i of result j: where its weights and mask stand */
static size_t place(const rows_part *s, int j, int i) {
    return ((size_t)i * (size_t)s->q->n + (size_t)j) * width(s);
}

static const double *start_of(const rows_part *s, int row) {
    return s->r->start + (size_t)row * width(s);
}

/* rows of the linear l in this rank's part: from *from up to *to, counted in the stage; *base: the
 * linear's first row */
static void own_rows(const rows_part *s, int l, int *base, int *from, int *to) {
    *base = 0;
    for (int k = 0; k < l; k++)
        *base += s->q->linear_rows[k];
    int end = *base + s->q->linear_rows[l];
    *from = *base > s->first ? *base : s->first;
    *to = end < s->first + s->share ? end : s->first + s->share;
}

/* ---- scores ---- */

static void score_row(const rows_part *s, int row, double *score) {
    const double *w = start_of(s, row);
    if (s->q->method == ROWS_WANDA)
        scores_wanda(score, w, s->obs);
    else if (s->q->method == ROWS_RANDOM)
        scores_random(score, s->r->d, s->q->seed, s->q->site, (uint32_t)row);
    else
        scores_magnitude(score, w, s->r->d);
}

static void apply_mask(rows_part *s, int j, int i) {
    size_t at = place(s, j, i);
    for (size_t k = 0; k < width(s); k++)
        if (!s->kept[at + k])
            s->w[at + k] = 0.0;
}

static void score_by_row(rows_part *s, double *score) {
    for (int i = 0; i < s->n; i++) {
        int l = rows_linear(s->q, s->first + i);
        score_row(s, s->first + i, score);
        if (pattern_block(s->q->pattern) > 1) /* a block counts by its sum of squares */
            for (int k = 0; k < s->r->d; k++)
                score[k] *= score[k];
        for (int j = 0; j < s->q->n; j++) {
            char *kept = s->kept + place(s, j, i);
            if (s->q->pattern.of > 0)
                select_pattern(score, s->r->d, s->q->pattern, kept);
            else
                select_lowest(score, s->r->d,
                              obs_removals(s->q->sparsity[j * s->q->linears + l], s->r->d), kept);
            apply_mask(s, j, i);
        }
    }
}

/* every rank scores the whole linear: less work than one column of exact OBS */
static void score_by_linear(rows_part *s, int l, double *score, char *mask) {
    size_t d = width(s);
    int base, from, to, rows = s->q->linear_rows[l];
    own_rows(s, l, &base, &from, &to);
    for (int i = 0; i < rows; i++)
        score_row(s, base + i, score + (size_t)i * d);
    for (int j = 0; j < s->q->n; j++) {
        select_lowest(score, (int64_t)rows * s->r->d, rows_removals(s->q, j, l, s->r->d), mask);
        for (int row = from; row < to; row++) {
            memcpy(s->kept + place(s, j, row - s->first), mask + (size_t)(row - base) * d, d);
            apply_mask(s, j, row - s->first);
        }
    }
}

err rows_by_scores(rows_part *s) {
    double *score = NULL;
    char *mask = NULL;
    rows_share share = s->q->share;
    if (share == SHARE_AUTO)
        share = s->q->method == ROWS_MAGNITUDE ? SHARE_LINEAR : SHARE_ROW;
    size_t n = share == SHARE_LINEAR && s->q->pattern.of == 0 ? (size_t)s->r->m : 1;
    err e = mem_alloc(n * width(s), sizeof *score, &score);
    if (e == OK)
        e = mem_alloc(n * width(s), 1, &mask);
    TRY(par_agree(s->p, e));
    if (n == 1)
        score_by_row(s, score);
    else
        for (int l = 0; l < s->q->linears; l++)
            score_by_linear(s, l, score, mask);
done:
    free(score);
    free(mask);
    return e;
}

/* ---- SparseGPT ---- */

/* factor (d, d) of H, with ten times the ridge after every failure */
static err factorise(rows_part *s, double *factor) {
    for (;; s->retries++) {
        err e = factor_upper(factor, s->gram, s->r->d);
        if (e == OK || s->retries == RETRIES_MOST)
            return e == OK ? OK : err_prefix(e, "SparseGPT");
        double more = (s->ridge > 0.0 ? 9.0 * s->ridge : 1e-10 * s->diagonal);
        s->ridge += more;
        for (size_t i = 0; i < width(s); i++)
            s->gram[i * (width(s) + 1)] += more;
    }
}

/* linear l for result j by the rank whose turn it is, then to all: w, kept (rows, d) */
static err sparsegpt_linear(rows_part *s, const double *factor, int l, int j, double *w,
                            char *kept) {
    int base, from, to, rows = s->q->linear_rows[l], turn = l % s->p->size;
    size_t d = width(s), n = (size_t)rows * d;
    sparsegpt_plan plan = {.pattern = s->q->pattern,
                           .sparsity =
                               s->q->pattern.of ? 0.0 : s->q->sparsity[j * s->q->linears + l],
                           .rows_alike = s->q->share == SHARE_ROW,
                           .block = SPARSEGPT_BLOCK};
    own_rows(s, l, &base, &from, &to);
    err e = OK;
    if (s->p->rank == turn) {
        memcpy(w, start_of(s, base), n * sizeof *w);
        e = sparsegpt_prune(w, kept, factor, rows, s->r->d, &plan);
    }
    CALL(par_agree(s->p, e));
    CALL(par_bcast(s->p, w, n * sizeof *w, turn));
    CALL(par_bcast(s->p, kept, n, turn));
    for (int row = from; row < to; row++) {
        memcpy(s->w + place(s, j, row - s->first), w + (size_t)(row - base) * d, d * sizeof *w);
        memcpy(s->kept + place(s, j, row - s->first), kept + (size_t)(row - base) * d, d);
    }
    return OK;
}

err rows_by_sparsegpt(rows_part *s) {
    double *factor = NULL, *w = NULL;
    char *kept = NULL;
    size_t d = width(s), m = (size_t)s->r->m;
    err e = mem_alloc(d * d, sizeof *factor, &factor);
    if (e == OK)
        e = mem_alloc(m * d, sizeof *w, &w);
    if (e == OK)
        e = mem_alloc(m * d, 1, &kept);
    if (e == OK)
        e = factorise(s, factor);
    TRY(par_agree(s->p, e));
    for (int l = 0; l < s->q->linears; l++)
        for (int j = 0; j < s->q->n; j++)
            TRY(sparsegpt_linear(s, factor, l, j, w, kept));
done:
    free(factor);
    free(w);
    free(kept);
    return e;
}

/* ---- exact OBS ---- */

/* what every row of this rank needs */
typedef struct obs_work {
    obs *exact;     /* NULL until a row wants it */
    obs_fast *fast; /* NULL: float64 throughout */
    float *inverse; // (d, d) rounded, NULL: float64 throughout
    int *at;        // (q->n + 1) removals, ascending
    int *result;    // (q->n + 1) whose they are; q->n: the trace's end, nobody's
    int n;          /* of these in the row at hand */
    double *w;      // (q->n + 1, d)
    char *kept;     // (q->n + 1, d)
    int32_t *order; // (n, d) traces of the own rows
    double *loss;   // (n, d)
} obs_work;

static void work_free(obs_work *b) {
    obs_destroy(&b->exact);
    obs_fast_destroy(&b->fast);
    free(b->inverse);
    free(b->at);
    free(b->result);
    free(b->w);
    free(b->kept);
    free(b->order);
    free(b->loss);
}

static err work_create(const rows_part *s, int traces, obs_work *b) {
    size_t n = (size_t)s->q->n + 1, d = width(s);
    *b = (obs_work){0};
    if (!s->q->exact) {
        CALL(obs_fast_create(s->r->d, NULL, &b->fast));
        CALL(mem_alloc(d * d, sizeof *b->inverse, &b->inverse));
        for (size_t i = 0; i < d * d; i++)
            b->inverse[i] = (float)s->r->inverse[i];
    }
    CALL(mem_alloc(n, sizeof *b->at, &b->at));
    CALL(mem_alloc(n, sizeof *b->result, &b->result));
    CALL(mem_alloc(n * d, sizeof *b->w, &b->w));
    CALL(mem_alloc(n * d, 1, &b->kept));
    if (traces) {
        CALL(mem_alloc((size_t)s->n * d + 1, sizeof *b->order, &b->order));
        CALL(mem_alloc((size_t)s->n * d + 1, sizeof *b->loss, &b->loss));
    }
    return OK;
}

/* own row i: weights and masks into b */
static err obs_row(const rows_part *s, obs_work *b, const obs_plan *plan, int i, int32_t *order,
                   double *loss) {
    const double *start = start_of(s, s->row[i]);
    int enough = 0;
    if (b->fast && pattern_block(plan->pattern) == 1)
        obs_fast_run(b->fast, plan, start, b->inverse, b->w, b->kept, order, loss, &enough);
    if (enough)
        return OK;
    if (!b->exact)
        CALL(obs_create(s->r->d, &b->exact));
    return obs_run(b->exact, plan, start, s->r->inverse, b->w, b->kept, order, loss);
}

/* result j of the row at hand after k removals, among the others in ascending order */
static void plan_result(obs_work *b, int j, int k) {
    int i = b->n++;
    for (; i > 0 && b->at[i - 1] > k; i--) {
        b->at[i] = b->at[i - 1];
        b->result[i] = b->result[i - 1];
    }
    b->at[i] = k;
    b->result[i] = j;
}

/* removals of one row for every result, and where its trace ends */
static void plan_row(const rows_part *s, int row, obs_work *b) {
    const rows_request *q = s->q;
    int l = rows_linear(q, row), d = s->r->d;
    b->n = 0;
    for (int j = 0; j < q->n; j++)
        plan_result(b, j,
                    q->pattern.of > 0 ? pattern_removals(q->pattern, d)
                                      : (int)obs_removals(q->sparsity[j * q->linears + l], d));
    if (q->trace && q->pattern.of == 0)
        plan_result(b, q->n, (int)obs_removals(q->trace[l], d));
}

/* own row i, all results in one pass */
static err obs_results(rows_part *s, obs_work *b, int i) {
    size_t d = width(s);
    plan_row(s, s->row[i], b);
    obs_plan plan = {.at = b->at, .n = b->n, .pattern = s->q->pattern};
    CALL(obs_row(s, b, &plan, i, NULL, NULL));
    for (int j = 0; j < b->n; j++) {
        if (b->result[j] == s->q->n)
            continue;
        size_t to = place(s, b->result[j], i);
        memcpy(s->w + to, b->w + (size_t)j * d, d * sizeof *b->w);
        memcpy(s->kept + to, b->kept + (size_t)j * d, d);
    }
    return OK;
}

/* every row loses the same: who does a row does not matter */
static err obs_by_row(rows_part *s, obs_work *b, runs *left) {
    s->n = 0;
    for (int64_t row = runs_next(left); row >= 0; row = runs_next(left)) {
        CALL(rows_take(s, (int)row));
        CALL(obs_results(s, b, s->n - 1));
    }
    return OK;
}

/* the traces of the own rows, down to nothing */
static err trace_rows(rows_part *s, obs_work *b) {
    int all = s->r->d;
    obs_plan plan = {.at = &all, .n = 1};
    for (int i = 0; i < s->n; i++)
        CALL(obs_row(s, b, &plan, i, b->order + (size_t)i * width(s),
                     b->loss + (size_t)i * width(s)));
    return OK;
}

/* the first `count` of the row's trace removed, the rest by least squares */
static err cut_trace(rows_part *s, const obs_work *b, kept_fit *fit, int j, int i, int count) {
    size_t at = place(s, j, i);
    for (int t = 0; t < count; t++)
        s->kept[at + (size_t)b->order[(size_t)i * width(s) + (size_t)t]] = 0;
    return kept_weights(fit, s->w + at, s->kept + at, start_of(s, s->row[i]), NULL, s->r->inverse,
                        NULL);
}

/* rows of a linear share its removals by all rows' traces: loss (m, d), on every rank */
static err obs_by_linear(rows_part *s, const obs_work *b, const double *loss, int *count) {
    kept_fit *fit = NULL;
    err e = kept_create(s->r->d, &fit);
    for (int l = 0; l < s->q->linears && e == OK; l++) {
        int base, from, to;
        own_rows(s, l, &base, &from, &to);
        for (int j = 0; j < s->q->n && e == OK; j++) {
            e = allocation_rows(loss + (size_t)base * width(s), s->q->linear_rows[l], s->r->d,
                                rows_removals(s->q, j, l, s->r->d), count);
            for (int row = from; row < to && e == OK; row++)
                e = cut_trace(s, b, fit, j, row - s->first, count[row - base]);
        }
    }
    kept_destroy(&fit);
    return e;
}

static err obs_by_traces(rows_part *s, obs_work *b) {
    char *loss = NULL; // (m, d) doubles
    size_t *offsets = NULL;
    int *count = NULL;
    err e = mem_alloc((size_t)s->r->m, sizeof *count, &count);
    if (e == OK)
        e = trace_rows(s, b);
    TRY(par_agree(s->p, e));
    TRY(par_allgather(s->p, b->loss, (size_t)s->n * width(s) * sizeof *b->loss, &loss, &offsets));
    TRY(obs_by_linear(s, b, (const double *)(const void *)loss, count));
done:
    free(loss);
    free(offsets);
    free(count);
    return e;
}

static err obs_in_order(rows_part *s) {
    obs_work b;
    err e = work_create(s, 1, &b);
    TRY(par_agree(s->p, e));
    e = obs_by_traces(s, &b);
done:
    work_free(&b);
    return par_agree(s->p, e);
}

static err obs_in_turns(rows_part *s) {
    obs_work b = {0};
    runs *left = NULL;
    CALL(runs_open(s->p, s->first, s->first + s->share, &left));
    err e = rows_meanwhile(s->q);
    if (e == OK)
        e = work_create(s, 0, &b);
    if (e == OK)
        e = obs_by_row(s, &b, left);
    if (e != OK)
        runs_stop(left);
    e = par_agree(s->p, e);
    work_free(&b);
    runs_close(&left);
    return e;
}

int rows_in_turns(const rows_request *q) {
    return q->method == ROWS_OBS && (q->share != SHARE_LINEAR || q->pattern.of > 0);
}

err rows_by_obs(rows_part *s) {
    return rows_in_turns(s->q) ? obs_in_turns(s) : obs_in_order(s);
}

/* ---- refinement ---- */

/* A method that leaves kept weights as they are has its masks judged like this, unless their least
 * squares are wanted in the end. */
static int is_masked(const rows_request *q) {
    return !q->refit && q->method != ROWS_OBS && q->method != ROWS_SPARSEGPT;
}

/* Better masks where they are asked for, then the weights that go with them. A row that no exchange
 * makes better stays as it is. */
static err refine_row(rows_part *s, swaps *x, kept_fit *fit, int j, int i) {
    size_t at = place(s, j, i);
    const double *start = start_of(s, s->row[i]);
    char *kept = s->kept + at;
    swaps_report r = {0};
    if (x && is_masked(s->q))
        swaps_masked(x, kept, start, s->gram, s->q->pattern, s->q->swaps, &r);
    else if (x)
        CALL(
            swaps_refitted(x, kept, start, s->gram, s->r->inverse, s->q->pattern, s->q->swaps, &r));
    s->swaps[at / width(s)] = r.made;
    if (is_masked(s->q))
        for (size_t k = 0; k < width(s); k++)
            s->w[at + k] = kept[k] ? start[k] : 0.0;
    else if (s->q->refit || r.made > 0)
        CALL(kept_weights(fit, s->w + at, kept, start, s->gram, s->r->inverse, NULL));
    return OK;
}

err rows_refine(rows_part *s) {
    kept_fit *fit = NULL;
    swaps *x = NULL;
    err e = OK;
    if (!s->q->refit && s->q->swaps == 0)
        return OK;
    TRY(kept_create(s->r->d, &fit));
    if (s->q->swaps > 0)
        TRY(swaps_create(s->r->d, &x));
    for (int j = 0; j < s->q->n; j++)
        for (int i = 0; i < s->n; i++)
            TRY(refine_row(s, x, fit, j, i));
done:
    kept_destroy(&fit);
    swaps_destroy(&x);
    return e;
}
