#include "prune/sparsegpt.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/factor.h"
#include "prune/obs.h"
#include "tensor/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* one layer on its way */
typedef struct layer {
    const sparsegpt_plan *plan;
    int m, d, block;
    double *w;            // (m, d)
    char *kept;           // (m, d)
    const double *factor; // (d, d)
    float *rounded;       // (d, d) the factor's upper triangle
    float *change;        // (m, d) start minus result, of the finished columns
    double *start;        // (m, block)
    double *now;          // (m, block) with the updates of the finished columns
    float *sums;          // (m, block) of finished columns by the factor
    double *update;       // (m, block) the same in float64
    double *u;            // (block, block) upper: inverse of the factor's diagonal block
    double *weight;       // (block) 1 / U_cc^2
    double *score;        // (m, block)
    char *mask;           // (m, block)
} layer;

static void layer_free(layer *s) {
    free(s->rounded);
    free(s->change);
    free(s->start);
    free(s->now);
    free(s->sums);
    free(s->update);
    free(s->weight);
    free(s->u);
    free(s->score);
    free(s->mask);
}

static err layer_create(layer *s) {
    size_t m = (size_t)s->m, b = (size_t)s->block;
    size_t d = (size_t)s->d;
    CALL(mem_alloc(d * d, sizeof(float), &s->rounded));
    CALL(mem_alloc(m * d, sizeof(float), &s->change));
    CALL(mem_alloc(m * b, sizeof(double), &s->start));
    CALL(mem_alloc(m * b, sizeof(double), &s->now));
    CALL(mem_alloc(m * b, sizeof(float), &s->sums));
    CALL(mem_alloc(m * b, sizeof(double), &s->update));
    CALL(mem_alloc(b, sizeof(double), &s->weight));
    CALL(mem_alloc(b * b, sizeof(double), &s->u));
    CALL(mem_alloc(m * b, sizeof(double), &s->score));
    for (size_t i = 0; i < d; i++)
        for (size_t k = i; k < d; k++)
            s->rounded[i * d + k] = (float)s->factor[i * d + k];
    return mem_alloc(m * b, 1, &s->mask);
}

/* columns that belong together for the choice of a mask: at most d, a multiple of the pattern's M
 */
static int block_of(const sparsegpt_plan *plan, int d) {
    int b = plan->block, span = pattern_span(plan->pattern);
    if (span > 0)
        b = b < span ? span : b / span * span;
    return b < d ? b : d;
}

/* u (b, b), rows ld apart: inverse of the upper triangle r, rows ldr apart */
static void invert_upper(double *u, int ld, const double *r, int ldr, int b) {
    memset(u, 0, (size_t)ld * (size_t)b * sizeof *u);
    for (int i = b - 1; i >= 0; i--) {
        double *row = u + (size_t)i * (size_t)ld,
               own = 1.0 / r[(size_t)i * (size_t)ldr + (size_t)i];
        for (int k = i + 1; k < b; k++) {
            double f = r[(size_t)i * (size_t)ldr + (size_t)k];
            const double *below = u + (size_t)k * (size_t)ld;
            for (int j = k; j < b; j++)
                row[j] -= f * below[j];
        }
        for (int j = i + 1; j < b; j++)
            row[j] *= own;
        row[i] = own;
    }
}

/* columns first .. first + b - 1 as the finished ones have left them */
static void begin_block(layer *s, int first, int b) {
    size_t d = (size_t)s->d, c = (size_t)first, B = (size_t)b;
    for (size_t i = 0; i < (size_t)s->m; i++)
        memcpy(s->start + i * B, s->w + i * d + c, B * sizeof *s->start);
    memcpy(s->now, s->start, (size_t)s->m * B * sizeof *s->now);
    invert_upper(s->u, b, s->factor + c * d + c, s->d, b);
    for (size_t i = 0; i < B; i++)
        s->weight[i] = 1.0 / (s->u[i * B + i] * s->u[i * B + i]);
    if (first == 0)
        return;
    gemm(&(gemm_call){.M = s->m,
                      .N = b,
                      .K = first,
                      .a = {.x = s->change, .ld = s->d},
                      .b = {.x = s->rounded + c, .ld = s->d},
                      .c = s->sums,
                      .ldc = b,
                      .p = FLOAT32});
    for (size_t i = 0; i < (size_t)s->m * B; i++)
        s->update[i] = (double)s->sums[i];
    dense_multiply_add(s->now, b, s->update, b, s->u, b, s->m, b, b, 1.0);
}

/* the pruning metric of one row of the block from column c on: score (n) */
static void score_row(const layer *s, const double *w, int c, int n, double *restrict score) {
    const double *restrict weight = s->weight + c;
    for (int j = 0; j < n; j++)
        score[j] = w[j] * w[j] * weight[j];
}

/* the whole block's mask, where it is not a pattern's */
static void choose(layer *s, int b) {
    int64_t n = b;
    for (int i = 0; i < s->m; i++)
        score_row(s, s->now + i * n, 0, b, s->score + i * n);
    if (!s->plan->rows_alike) {
        select_lowest(s->score, s->m * n, obs_removals(s->plan->sparsity, s->m * n), s->mask);
        return;
    }
    for (int i = 0; i < s->m; i++)
        select_lowest(s->score + i * n, n, obs_removals(s->plan->sparsity, n), s->mask + i * n);
}

/* one row through the block, column by column */
static void prune_row(layer *s, double *restrict w, char *mask, int b) {
    pattern p = s->plan->pattern;
    for (int c = 0; c < b; c++) {
        if (p.of > 0 && c % pattern_span(p) == 0) {
            score_row(s, w + c, c, pattern_span(p), s->score);
            select_pattern(s->score, pattern_span(p), p, mask + c);
        }
        if (mask[c])
            continue;
        const double *restrict u = s->u + (size_t)c * (size_t)b;
        double step = w[c] / u[c];
        for (int j = c + 1; j < b; j++)
            w[j] -= step * u[j];
        w[c] = 0.0;
    }
}

static void end_block(layer *s, int first, int b) {
    size_t d = (size_t)s->d, c = (size_t)first, B = (size_t)b;
    for (size_t i = 0; i < (size_t)s->m; i++) {
        memcpy(s->w + i * d + c, s->now + i * B, B * sizeof *s->w);
        memcpy(s->kept + i * d + c, s->mask + i * B, B);
        for (size_t j = 0; j < B; j++)
            s->change[i * d + c + j] = (float)(s->start[i * B + j] - s->now[i * B + j]);
    }
}

err sparsegpt_prune(double *w, char *kept, const double *factor, int m, int d,
                    const sparsegpt_plan *plan) {
    layer s = {.plan = plan, .m = m, .d = d, .w = w, .kept = kept, .factor = factor};
    s.block = block_of(plan, d);
    err e = layer_create(&s);
    for (int c = 0; c < d && e == OK; c += s.block) {
        int b = d - c < s.block ? d - c : s.block;
        begin_block(&s, c, b);
        if (plan->pattern.of == 0)
            choose(&s, b);
        for (int i = 0; i < m; i++)
            prune_row(&s, s.now + (size_t)i * (size_t)b, s.mask + (size_t)i * (size_t)b, b);
        end_block(&s, c, b);
    }
    layer_free(&s);
    return e;
}

/* u (d, d) upper with inverse = u^T u, by the plain recurrence */
static err upper_factor(double *u, const double *inverse, int d) {
    size_t n = (size_t)d;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double x = inverse[i * n + j];
            for (size_t k = 0; k < i; k++)
                x -= u[k * n + i] * u[k * n + j];
            CHECK(i != j || x > 0.0, ERR_FAILED, "the inverse Hessian is not positive definite");
            u[i * n + j] = i == j ? sqrt(x) : x / u[i * n + i];
        }
    return OK;
}

/* the masks of all rows for the columns from c to end */
static void reference_masks(const double *w, char *kept, const double *u, int m, int d, int c,
                            int end, const sparsegpt_plan *plan, double *score, char *mask) {
    int n = end - c, alike = plan->rows_alike || plan->pattern.of > 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            size_t at = (size_t)(c + j);
            double x = w[(size_t)i * (size_t)d + at] / u[at * (size_t)d + at];
            score[i * n + j] = x * x;
        }
    for (int i = 0; i < (alike ? m : 1); i++)
        if (plan->pattern.of > 0)
            select_pattern(score + i * n, n, plan->pattern, mask + i * n);
        else {
            int64_t all = alike ? n : (int64_t)m * n;
            select_lowest(score + i * n, all, obs_removals(plan->sparsity, all), mask + i * n);
        }
    for (int i = 0; i < m; i++)
        memcpy(kept + (size_t)i * (size_t)d + c, mask + i * n, (size_t)n);
}

err sparsegpt_reference(double *w, char *kept, const double *inverse, int m, int d,
                        const sparsegpt_plan *plan) {
    err e = OK;
    size_t n = (size_t)d;
    double *u = NULL, *score = NULL;
    char *mask = NULL;
    int span = plan->pattern.of > 0 ? pattern_span(plan->pattern) : block_of(plan, d);
    TRY(mem_alloc(n * n, sizeof *u, &u));
    TRY(mem_alloc((size_t)m * (size_t)span, sizeof *score, &score));
    TRY(mem_alloc((size_t)m * (size_t)span, 1, &mask));
    TRY(upper_factor(u, inverse, d));
    for (int c = 0; c < d; c++) {
        if (c % span == 0)
            reference_masks(w, kept, u, m, d, c, c + span < d ? c + span : d, plan, score, mask);
        for (size_t i = 0; i < (size_t)m; i++) {
            size_t at = (size_t)c;
            double step = kept[i * n + at] ? 0.0 : w[i * n + at] / u[at * n + at];
            for (size_t j = at; j < n; j++)
                w[i * n + j] -= step * u[at * n + j];
            if (!kept[i * n + at])
                w[i * n + at] = 0.0;
        }
    }
done:
    free(u);
    free(score);
    free(mask);
    return e;
}
