#include "prune/obs.h"

#include "base/arena.h"
#include "linalg/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* removals between two updates of the active part: measured optimum of bench_prune for d = 768 and
 * 3072; fewer make the update memory-bound, more make the columns within the block expensive */
enum { BLOCK = 64 };

/* One row on its way. The n active weights stand first, in any order: where[i] is the index of the
 * i-th in the row. Removed weights stay until the block ends, kept out of the choice by their
 * barrier; so are weights that the pattern keeps, which stay for good. */
struct obs {
    int d, ld;
    double *g;       // (d, ld) lower: inverse of the active part at the block's start
    double *u;       // (BLOCK, ld) the block's vectors: inverse now = g - u^T u
    double *w;       // (d)
    double *diag;    // (d) diagonal of the inverse now
    double *barrier; // (d) 0: may be removed; infinity: may not
    char *gone;      // (d) 1: removed in this block
    double *score;   // (d)
    double *column;  // (d)
    int32_t *where;  // (d)
    int32_t *place;  // (d) of an index in the row: where it stands
    int32_t *left;   // (d) blocks that each group of a pattern may still lose
    double *own;     // (d, C) the inverse now, of each block of C inputs with itself
    double *spare;   // (C, C + 1)
    int C;           /* inputs of a block; 1: own and spare are NULL */
};

err obs_create(int d, obs **out) {
    err e = OK;
    obs *s = NULL;
    CALL(mem_alloc(1, sizeof *s, &s));
    s->d = d;
    s->C = 1;
    /* rows a multiple of 64 bytes apart, but never of a page: columns would fall into one cache set
     */
    s->ld = (d + 63) / 64 * 64 + 8;
    size_t n = (size_t)d, ld = (size_t)s->ld;
    TRY(mem_alloc(n * ld, sizeof(double), &s->g));
    TRY(mem_alloc(BLOCK * ld, sizeof(double), &s->u));
    TRY(mem_alloc(n, sizeof(double), &s->w));
    TRY(mem_alloc(n, sizeof(double), &s->diag));
    TRY(mem_alloc(n, sizeof(double), &s->barrier));
    TRY(mem_alloc(n, sizeof(double), &s->score));
    TRY(mem_alloc(n, sizeof(double), &s->column));
    TRY(mem_alloc(n, 1, &s->gone));
    TRY(mem_alloc(n, sizeof(int32_t), &s->where));
    TRY(mem_alloc(n, sizeof(int32_t), &s->place));
    TRY(mem_alloc(n, sizeof(int32_t), &s->left));
done:
    if (e != OK)
        obs_destroy(&s);
    *out = s;
    return e;
}

void obs_destroy(obs **s) {
    if (!*s)
        return;
    free((*s)->g);
    free((*s)->u);
    free((*s)->w);
    free((*s)->diag);
    free((*s)->barrier);
    free((*s)->score);
    free((*s)->column);
    free((*s)->gone);
    free((*s)->where);
    free((*s)->place);
    free((*s)->left);
    free((*s)->own);
    free((*s)->spare);
    free(*s);
    *s = NULL;
}

int64_t obs_removals(double sparsity, int64_t n) {
    return (int64_t)floor(sparsity * (double)n * (1.0 + 0x1p-50));
}

static void row_load(obs *s, const double *w, const double *inverse, pattern p) {
    size_t d = (size_t)s->d, ld = (size_t)s->ld;
    for (size_t i = 0; i < d; i++) {
        memcpy(s->g + i * ld, inverse + i * d, (i + 1) * sizeof(double));
        s->w[i] = w[i];
        s->diag[i] = inverse[i * d + i];
        s->barrier[i] = 0.0;
        s->gone[i] = 0;
        s->where[i] = s->place[i] = (int32_t)i;
        s->left[i] = p.of - p.keep;
    }
}

/* one block fewer in the group of an index; after its last one its other weights may not go */
static void use_group(obs *s, int index, pattern p) {
    int span = pattern_span(p), group = index / span;
    if (--s->left[group] > 0)
        return;
    for (int i = group * span; i < (group + 1) * span; i++)
        if (s->place[i] >= 0)
            s->barrier[s->place[i]] = INFINITY;
}

/* the active weight with the lowest score; ties to the lowest index in the row */
static int choose(obs *s, int n) {
    const double *restrict w = s->w, *restrict diag = s->diag, *restrict barrier = s->barrier;
    double *restrict score = s->score;
    for (int i = 0; i < n; i++)
        score[i] = w[i] * w[i] / diag[i] + barrier[i];
    int p = 0;
    double best = score[0];
    for (int i = 1; i < n; i++)
        if (score[i] <= best && (score[i] < best || s->where[i] < s->where[p]))
            best = score[p = i];
    return p;
}

/* column p of the inverse as it is now, t removals into the block */
static void form_column(obs *s, int n, int p, int t) {
    size_t ld = (size_t)s->ld;
    memcpy(s->column, s->g + (size_t)p * ld, (size_t)(p + 1) * sizeof(double));
    for (int i = p + 1; i < n; i++)
        s->column[i] = s->g[(size_t)i * ld + (size_t)p];
    dense_subtract(s->column, s->u, s->ld, s->u + p, s->ld, t, n);
}

/* remove p: compensate, and add the block's t-th vector, column / sqrt([H^-1]_pp) */
static void eliminate(obs *s, int n, int p, int t) {
    const double *restrict column = s->column;
    double *restrict w = s->w, *restrict diag = s->diag;
    double *restrict u = s->u + (size_t)t * (size_t)s->ld;
    double step = w[p] / diag[p], root = 1.0 / sqrt(diag[p]);
    for (int i = 0; i < n; i++) {
        double v = column[i] * root;
        w[i] -= step * column[i];
        diag[i] -= v * v;
        u[i] = v;
    }
    diag[p] = 1.0; /* its score stays a number; later columns touch its weight only by rounding */
    s->barrier[p] = INFINITY;
    s->gone[p] = 1;
    s->place[s->where[p]] = -1;
}

/* the last active weight takes the place of p, in everything that lasts to the next block */
static void fill_hole(obs *s, int p, int last, int t) {
    size_t ld = (size_t)s->ld, P = (size_t)p, Z = (size_t)last;
    double *g = s->g;
    memcpy(g + P * ld, g + Z * ld, P * sizeof(double));
    g[P * ld + P] = g[Z * ld + Z];
    for (size_t i = P + 1; i < Z; i++)
        g[i * ld + P] = g[Z * ld + i];
    for (size_t b = 0; b < (size_t)t; b++)
        s->u[b * ld + P] = s->u[b * ld + Z];
    s->w[p] = s->w[last];
    s->diag[p] = s->diag[last];
    s->barrier[p] = s->barrier[last];
    s->gone[p] = s->gone[last];
    s->where[p] = s->where[last];
    s->place[s->where[p]] = p;
}

/* drop the t removed weights from the n active ones and bring the inverse up to date */
static void close_block(obs *s, int n, int t) {
    int kept = n;
    for (int i = n - 1; i >= 0; i--) /* downwards: what fills a hole is never itself removed */
        if (s->gone[i]) {
            kept--;
            if (i != kept)
                fill_hole(s, i, kept, t);
        }
    dense_downdate(s->g, s->ld, s->u, s->ld, t, kept);
}

/* the weights as they are now: out, kept (d) */
static void snapshot(const obs *s, int n, double *out, char *kept) {
    memset(out, 0, (size_t)s->d * sizeof *out);
    memset(kept, 0, (size_t)s->d);
    for (int i = 0; i < n; i++)
        if (!s->gone[i]) {
            out[s->where[i]] = s->w[i];
            kept[s->where[i]] = 1;
        }
}

/* ---- blocks of inputs ---- */

/* the inverse of each block of C inputs with itself */
static err blocks_load(obs *s, const double *inverse, int C) {
    size_t d = (size_t)s->d, c = (size_t)C;
    if (s->C != C) {
        free(s->own);
        free(s->spare);
        s->own = s->spare = NULL;
        s->C = 1;
        if (C > 1) {
            CALL(mem_alloc(d * c, sizeof *s->own, &s->own));
            CALL(mem_alloc(c * (c + 1), sizeof *s->spare, &s->spare));
        }
        s->C = C;
    }
    for (size_t i = 0; i < d && C > 1; i++)
        memcpy(s->own + i * c, inverse + i * d + i / c * c, c * sizeof *s->own);
    return OK;
}

/* what removing block b costs: w_B^T ([H^-1]_BB)^-1 w_B = |L^-1 w_B|^2; NaN: not positive definite
 */
static double block_score(const obs *s, int b) {
    int C = s->C;
    const double *own = s->own + (size_t)b * (size_t)C * (size_t)C;
    double *l = s->spare, *x = l + C * C, sum = 0.0;
    for (int i = 0; i < C; i++) {
        x[i] = s->w[s->place[b * C + i]];
        for (int j = 0; j <= i; j++) {
            double v = own[i * C + j];
            for (int k = 0; k < j; k++)
                v -= l[i * C + k] * l[j * C + k];
            l[i * C + j] = i == j ? sqrt(v) : v / l[j * C + j];
        }
        for (int k = 0; k < i; k++)
            x[i] -= l[i * C + k] * x[k];
        x[i] /= l[i * C + i];
        sum += x[i] * x[i];
    }
    return sum;
}

/* the first index of the cheapest block that may go, -1: there is none; ties to the lowest */
static int choose_block(const obs *s) {
    int best = -1;
    double least = INFINITY;
    for (int b = 0; b < s->d / s->C; b++) {
        int at = s->place[b * s->C];
        double score = at < 0 || s->barrier[at] > 0.0 ? INFINITY : block_score(s, b);
        if (score < least) {
            least = score;
            best = b * s->C;
        }
    }
    return best;
}

/* all blocks less vector t; what has gone has no place */
static void update_blocks(obs *s, int t) {
    const double *u = s->u + (size_t)t * (size_t)s->ld;
    for (int i = 0; i < s->d; i++)
        for (int q = 0, k = i / s->C * s->C; q < s->C; q++, k++)
            if (s->place[i] >= 0 && s->place[k] >= 0)
                s->own[i * s->C + q] -= u[s->place[i]] * u[s->place[k]];
}

/* ---- a row ---- */

/* where a run stands */
typedef struct progress {
    int n, t, done, k; /* active weights; removals since the last update; removals; wanted in all */
    int32_t *order;
    double *loss;
} progress;

static err remove_at(obs *s, progress *g, int p) {
    double cost = s->w[p] * s->w[p] / s->diag[p];
    CHECK(s->diag[p] > 0.0 && isfinite(cost), ERR_FAILED,
          "the inverse Hessian lost positive definiteness after %d of %d removals: raise "
          "prune.damping",
          g->done, g->k);
    if (g->order)
        g->order[g->done] = s->where[p];
    if (g->loss)
        g->loss[g->done] = cost;
    form_column(s, g->n, p, g->t);
    eliminate(s, g->n, p, g->t);
    if (s->C > 1)
        update_blocks(s, g->t);
    g->t++;
    if (++g->done < g->k && g->t == BLOCK) {
        close_block(s, g->n, g->t);
        g->n -= g->t;
        g->t = 0;
    }
    return OK;
}

/* the next weight, or the next block of them */
static err remove_next(obs *s, progress *g, pattern q) {
    int first = s->C > 1 ? choose_block(s) : s->where[choose(s, g->n)];
    CHECK(first >= 0, ERR_FAILED,
          "the inverse Hessian lost positive definiteness after %d of %d removals: raise "
          "prune.damping",
          g->done, g->k);
    for (int i = first; i < first + s->C; i++)
        CALL(remove_at(s, g, s->place[i]));
    if (q.of > 0)
        use_group(s, first, q);
    return OK;
}

err obs_run(obs *s, const obs_plan *plan, const double *w, const double *inverse, double *out,
            char *kept, int32_t *order, double *loss) {
    size_t d = (size_t)s->d;
    progress g = {
        .n = s->d, .k = plan->n > 0 ? plan->at[plan->n - 1] : 0, .order = order, .loss = loss};
    row_load(s, w, inverse, plan->pattern);
    CALL(blocks_load(s, inverse, pattern_block(plan->pattern)));
    for (int shot = 0;;) {
        for (; shot < plan->n && plan->at[shot] == g.done; shot++)
            snapshot(s, g.n, out + (size_t)shot * d, kept + (size_t)shot * d);
        if (g.done >= g.k)
            return OK;
        CALL(remove_next(s, &g, plan->pattern));
    }
}

err obs_row_reference(double *w, const double *inverse, int d, int k, int32_t *order,
                      double *loss) {
    err e = OK;
    size_t n = (size_t)d;
    double *g = NULL, *row = NULL;
    char *gone = NULL;
    TRY(mem_alloc(n * n, sizeof(double), &g));
    TRY(mem_alloc(n, sizeof(double), &row));
    TRY(mem_alloc(n, 1, &gone));
    memcpy(g, inverse, n * n * sizeof(double));
    for (int t = 0; t < k; t++) {
        size_t p = n;
        double best = INFINITY;
        for (size_t i = 0; i < n; i++)
            if (!gone[i] && w[i] * w[i] / g[i * n + i] < best) {
                best = w[i] * w[i] / g[i * n + i];
                p = i;
            }
        ENSURE(p < n && g[p * n + p] > 0.0, ERR_FAILED,
               "the inverse Hessian lost positive definiteness after %d of %d removals", t, k);
        if (order)
            order[t] = (int32_t)p;
        if (loss)
            loss[t] = best;
        memcpy(row, g + p * n, n * sizeof(double));
        double step = w[p] / row[p];
        for (size_t i = 0; i < n; i++)
            w[i] -= step * row[i];
        for (size_t i = 0; i < n; i++) {
            double c = row[i] / row[p];
            for (size_t j = 0; j < n; j++)
                g[i * n + j] -= c * row[j];
        }
        gone[p] = 1;
        for (size_t i = 0; i < n; i++)
            if (gone[i])
                w[i] = 0.0; /* exactly: rounding would leave 1e-17 */
    }
done:
    free(g);
    free(row);
    free(gone);
    return e;
}
