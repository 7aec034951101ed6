#include "prune/rows_part.h"

#include "base/arena.h"
#include "prune/obs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

err rows_method_of(const char *name, rows_method *out) {
    static const struct {
        const char *name;
        rows_method method;
    } names[] = {{"adaptive", ROWS_OBS},        {"obc", ROWS_OBS},
                 {"sparsegpt", ROWS_SPARSEGPT}, {"wanda", ROWS_WANDA},
                 {"magnitude", ROWS_MAGNITUDE}, {"magnitude-global", ROWS_MAGNITUDE},
                 {"random", ROWS_RANDOM}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].method;
            return OK;
        }
    RAISE(ERR_USAGE,
          "prune: unknown method \"%s\": adaptive, obc, sparsegpt, wanda, magnitude, "
          "magnitude-global or random",
          name);
}

/* 1 if anything is removed at all */
static int removes(const rows_request *q) {
    int some = q->pattern.of > 0;
    for (int i = 0; i < q->n * q->linears && !some; i++)
        some = q->sparsity[i] > 0.0;
    return some;
}

int rows_need_inverse(const rows_request *q) {
    return removes(q) && (q->method == ROWS_OBS || q->swaps > 0);
}

int64_t rows_removals(const rows_request *q, int j, int l, int d) {
    if (q->pattern.of > 0)
        return (int64_t)q->linear_rows[l] * pattern_removals(q->pattern, d);
    return obs_removals(q->sparsity[j * q->linears + l], (int64_t)q->linear_rows[l] * d);
}

int rows_linear(const rows_request *q, int row) {
    int l = 0;
    while (row >= q->linear_rows[l])
        row -= q->linear_rows[l++];
    return l;
}

static err check(const refit *r, const rows_request *q) {
    int64_t rows = 0;
    for (int l = 0; l < q->linears; l++)
        rows += q->linear_rows[l];
    CHECK(q->n >= 1 && rows == r->m, ERR_USAGE,
          "prune: linears of %lld rows in a stage of %d, %d results", (long long)rows, r->m, q->n);
    CHECK(q->pattern.of == 0 || q->n == 1, ERR_USAGE,
          "prune: a pattern fixes the sparsity: one result, not %d", q->n);
    CALL(pattern_check(q->pattern, r->d));
    CHECK(q->swaps == 0 || pattern_block(q->pattern) == 1, ERR_USAGE,
          "prune: exchanges of single weights would break the blocks of %d inputs that the pattern "
          "asks for: leave out +swaps",
          pattern_block(q->pattern));
    for (int i = 0; i < q->n * q->linears && q->pattern.of == 0; i++)
        CHECK(q->sparsity[i] >= 0.0 && q->sparsity[i] <= 1.0, ERR_USAGE,
              "prune: sparsity %g is not in [0, 1]", q->sparsity[i]);
    for (int l = 0; l < q->linears && q->trace; l++)
        CHECK(q->trace[l] >= 0.0 && q->trace[l] <= 1.0, ERR_USAGE,
              "prune: a trace to %g, which is not in [0, 1]", q->trace[l]);
    CHECK(r->inverse || !rows_need_inverse(q), ERR_FAILED, "prune: the inverse Hessian is missing");
    return OK;
}

/* H of the stage as refit has it, about the means that it holds, with its ridge or q's */
static err make_gram(rows_part *s) {
    const hessian *h = s->obs;
    size_t d = (size_t)h->d, w = d + 1;
    double n = h->xx[d * w + d];
    CALL(mem_alloc(d * d, sizeof *s->gram, &s->gram));
    for (size_t i = 0; i < d; i++)
        s->diagonal += h->xx[i * w + i] / n / (double)d;
    s->ridge = s->r->inverse ? s->r->report.ridge : s->q->damping * s->diagonal;
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < d; k++)
            s->gram[i * d + k] = h->xx[i * w + k] / n - s->r->mean[i] * s->r->mean[k];
        if (h->xx[i * w + i] == 0.0)
            s->gram[i * d + i] = 1.0;
        s->gram[i * d + i] += s->ridge;
    }
    return OK;
}

static void part_free(rows_part *s) {
    free(s->row);
    free(s->w);
    free(s->kept);
    free(s->swaps);
    free(s->gram);
}

/* for so many own rows */
static err make_room(rows_part *s, int rows) {
    size_t n = (size_t)rows, results = (size_t)s->q->n, d = (size_t)s->r->d;
    CALL(mem_resize(n, sizeof *s->row, &s->row));
    CALL(mem_resize(n * results * d, sizeof *s->w, &s->w));
    CALL(mem_resize(n * results * d, 1, &s->kept));
    CALL(mem_resize(n * results, sizeof *s->swaps, &s->swaps));
    s->room = rows;
    return OK;
}

err rows_take(rows_part *s, int row) {
    size_t results = (size_t)s->q->n;
    if (s->n == s->room)
        CALL(make_room(s, s->room + s->room / 8 + 1));
    memset(s->swaps + (size_t)s->n * results, 0, results * sizeof *s->swaps);
    s->row[s->n++] = row;
    return OK;
}

err rows_meanwhile(const rows_request *q) {
    return q->meanwhile ? q->meanwhile(q->with) : OK;
}

static err part_create(const par *p, const refit *r, const hessian *for_obs, const rows_request *q,
                       rows_part *s) {
    size_t d = (size_t)r->d, m = (size_t)r->m;
    size_t first = m * (size_t)p->rank / (size_t)p->size;
    size_t n = m * ((size_t)p->rank + 1) / (size_t)p->size - first;
    *s = (rows_part){.p = p, .r = r, .obs = for_obs, .q = q, .first = (int)first, .share = (int)n};
    CALL(check(r, q));
    CALL(make_room(s, (int)n + 1));
    for (size_t i = 0; i < n; i++) {
        CALL(rows_take(s, (int)(first + i)));
        for (size_t j = 0; j < (size_t)q->n; j++)
            memcpy(s->w + (i * (size_t)q->n + j) * d, r->start + (first + i) * d, d * sizeof *s->w);
    }
    memset(s->kept, 1, (size_t)q->n * n * d);
    return removes(q) && (q->method == ROWS_SPARSEGPT || q->refit || q->swaps > 0) ? make_gram(s)
                                                                                   : OK;
}

static err prune_part(rows_part *s) {
    if (!removes(s->q) || !rows_in_turns(s->q))
        CALL(par_agree(s->p, rows_meanwhile(s->q)));
    if (!removes(s->q))
        return OK;
    switch (s->q->method) {
    case ROWS_OBS:
        CALL(rows_by_obs(s));
        break;
    case ROWS_SPARSEGPT:
        CALL(rows_by_sparsegpt(s));
        break;
    case ROWS_WANDA:
    case ROWS_MAGNITUDE:
    case ROWS_RANDOM:
        CALL(rows_by_scores(s));
        break;
    }
    return par_agree(s->p, rows_refine(s));
}

/* what a rank tells the others of a row beside its weights */
typedef struct row_facts {
    int64_t row, removed, swapped;
} row_facts;

/* own rows of result j: w (n, d) as the model will hold them, facts (n) */
static void pack(const rows_part *s, int j, float *w, row_facts *facts) {
    size_t d = (size_t)s->r->d;
    for (int i = 0; i < s->n; i++, w += d) {
        size_t at = (size_t)i * (size_t)s->q->n + (size_t)j;
        facts[i] = (row_facts){.row = s->row[i], .swapped = s->swaps[at]};
        for (size_t k = 0; k < d; k++) {
            w[k] = (float)s->w[at * d + k];
            facts[i].removed += !s->kept[at * d + k];
        }
    }
}

/* every rank's rows, w (n, d) and facts (n), to where they belong */
static err exchange(const rows_part *s, const float *w, const row_facts *facts, pruned_rows *out) {
    size_t d = (size_t)out->d, n = (size_t)s->n, *offsets = NULL;
    char *all_w = NULL, *all = NULL;
    err e;
    TRY(par_allgather(s->p, facts, n * sizeof *facts, &all, &offsets));
    free(offsets);
    TRY(par_allgather(s->p, w, n * d * sizeof *w, &all_w, &offsets));
    for (size_t i = 0; i < (size_t)out->m; i++) {
        row_facts f;
        memcpy(&f, all + i * sizeof f, sizeof f);
        memcpy(out->w + (size_t)f.row * d, all_w + i * d * sizeof *w, d * sizeof *w);
        out->removed[f.row] = f.removed;
        out->swapped[f.row] = f.swapped;
    }
done:
    free(offsets);
    free(all_w);
    free(all);
    return e;
}

/* bias changes and errors of this rank's part of the rows that out->w has by now: shift, error
 * (share) */
static err judge(const rows_part *s, const hessian *own, const float *bias, const pruned_rows *out,
                 double *shift, double *error) {
    size_t n = (size_t)s->share, d = (size_t)out->d, first = (size_t)s->first;
    double *w; // (share, d)
    CALL(mem_alloc(n * d + 1, sizeof *w, &w));
    for (size_t i = 0; i < n * d; i++)
        w[i] = (double)out->w[first * d + i];
    for (size_t i = 0; i < n; i++) {
        double dense = (double)bias[first + i];
        shift[i] = (double)(float)(dense + refit_bias(s->r, (int)(first + i), w + i * d)) - dense;
    }
    err e = refit_errors(own, s->first, s->share, w, shift, error);
    free(w);
    return e;
}

/* every rank's part, in rank order, which is row order: out (bytes of all parts) */
static err gather(const par *p, const void *part, size_t n, void *out) {
    char *all;
    size_t *offsets;
    CALL(par_allgather(p, part, n, &all, &offsets));
    memcpy(out, all, offsets[p->size]);
    free(all);
    free(offsets);
    return OK;
}

static err rows_create(const rows_part *s, pruned_rows *out) {
    size_t d = (size_t)s->r->d, m = (size_t)s->r->m;
    *out = (pruned_rows){.d = s->r->d, .m = s->r->m, .retries = s->retries};
    out->damping = s->gram && s->diagonal > 0.0 ? s->ridge / s->diagonal : 0.0;
    CALL(mem_alloc(m * d, sizeof *out->w, &out->w));
    CALL(mem_alloc(m, sizeof *out->shift, &out->shift));
    CALL(mem_alloc(m, sizeof *out->error, &out->error));
    CALL(mem_alloc(m, sizeof *out->removed, &out->removed));
    return mem_alloc(m, sizeof *out->swapped, &out->swapped);
}

/* result j: weights from whoever pruned the rows, then everybody judges a part of them */
static err collect(const rows_part *s, const hessian *own, const float *bias, int j,
                   pruned_rows *out) {
    size_t n = (size_t)s->n, share = (size_t)s->share;
    float *w = NULL;
    row_facts *facts = NULL;
    double *shift = NULL; // (2, share) and errors
    err e = rows_create(s, out);
    if (e == OK)
        e = mem_alloc(n * (size_t)out->d + 1, sizeof *w, &w);
    if (e == OK)
        e = mem_alloc(n + 1, sizeof *facts, &facts);
    if (e == OK)
        e = mem_alloc(2 * share + 1, sizeof *shift, &shift);
    TRY(par_agree(s->p, e));
    pack(s, j, w, facts);
    TRY(exchange(s, w, facts, out));
    TRY(par_agree(s->p, judge(s, own, bias, out, shift, shift + share)));
    TRY(gather(s->p, shift, share * sizeof *shift, out->shift));
    TRY(gather(s->p, shift + share, share * sizeof *shift, out->error));
done:
    free(w);
    free(facts);
    free(shift);
    return e;
}

err rows_prune(const par *p, const refit *r, const hessian *own, const hessian *for_obs,
               const float *bias, const rows_request *q, pruned_rows *out) {
    rows_part s;
    err e;
    memset(out, 0, (size_t)q->n * sizeof *out);
    TRY(par_agree(p, part_create(p, r, for_obs, q, &s)));
    TRY(prune_part(&s));
    for (int j = 0; j < q->n; j++)
        TRY(collect(&s, q->seen ? q->seen[j] : own, bias, j, &out[j]));
done:
    part_free(&s);
    for (int j = 0; j < q->n && e != OK; j++)
        rows_free(&out[j]);
    return e;
}

void rows_free(pruned_rows *r) {
    free(r->w);
    free(r->shift);
    free(r->error);
    free(r->removed);
    free(r->swapped);
    *r = (pruned_rows){0};
}
