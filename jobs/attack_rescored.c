#include "attack_rescored.h"

#include "attack/rescore.h"
#include "base/arena.h"
#include "eval/metrics.h"
#include "report/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what is answered, of one model: the recorded attacks */
typedef struct recorded {
    const store_model *m;
    attack_result *r; /* (m->n) */
    acceptance rule;
} recorded;

static void free_recorded(recorded *x) {
    for (int64_t i = 0; x->r && i < x->m->n; i++)
        attack_result_free(&x->r[i]);
    free(x->r);
    *x = (recorded){0};
}

static err read_recorded(const stored *s, const recipe *how, const store_model *m, recorded *x) {
    size_t first;
    *x = (recorded){.m = m};
    x->rule = how->accept;
    CALL(stored_first(s, m, how->name, &first));
    CALL(mem_alloc((size_t)m->n + 1, sizeof *x->r, &x->r));
    for (int64_t i = 0; i < m->n; i++) {
        CALL(stored_attack(s, first + (size_t)i, &x->r[i]));
        const attack_outcome end = x->r[i].outcome;
        if ((end == ATTACK_SUCCESS || end == ATTACK_FAILED) &&
            rescore_check(&x->r[i], x->rule) != OK)
            return err_prefix(ERR_DATA, "%s/study.h5: %s, row %lld", s->dir, m->name, (long long)i);
    }
    return OK;
}

static rescore_limits limits_of(int kind, double v) {
    rescore_limits l = {INT64_MAX, -INFINITY, 1.0};
    if (kind == RESCORED_QUERIES)
        l.queries = (int64_t)v;
    else if (kind == RESCORED_SIMILARITY)
        l.similarity = v;
    else if (kind == RESCORED_CHANGED)
        l.changed = v;
    return l;
}

/* "20.3 [17.8, 23.1]", or "20.3 to 24.0 [17.8, 26.9]" with both ends' intervals */
static err range_cell(grid *g, int64_t low, int64_t high, int64_t n) {
    if (low == high && n == 0)
        return grid_cell(g, "-");
    const double a = 100.0 * ratio(low, n), b = 100.0 * ratio(high, n);
    const double from = 100.0 * wilson(low, n).low, to = 100.0 * wilson(high, n).high;
    return low == high ? grid_cell(g, "%.1f [%.1f, %.1f]", a, from, to)
                       : grid_cell(g, "%.1f to %.1f [%.1f, %.1f]", a, b, from, to);
}

static err limit_row(const recorded *x, int kind, double v, const char *what, grid *g) {
    int64_t open;
    const rescore_limits l = limits_of(kind, v);
    const attack_counts c = rescore_count(x->r, x->m->n, x->rule, &l, &open);
    CALL(grid_cell(g, "%s", x->m->title));
    CALL(grid_cell(g, "%s", what));
    CALL(grid_cell(g, "%lld", (long long)c.n));
    CALL(range_cell(g, c.failed, c.failed + open, c.n));
    CALL(range_cell(g, c.success, c.success + open, c.success + c.failed + open));
    if (open) {
        CALL(grid_cell(g, "-"));
        CALL(grid_cell(g, "-"));
        return grid_cell(g, "bounds: %lld open", (long long)open);
    }
    const convention ours = metrics_convention(&c, CONVENTION_ESPALIER);
    CALL(isnan(ours.queries) ? grid_cell(g, "-") : grid_cell(g, "%.1f", ours.queries));
    CALL(isnan(ours.changed) ? grid_cell(g, "-") : grid_cell(g, "%.1f", 100.0 * ours.changed));
    return grid_cell(g, "exact");
}

static err model_rows(const stored *s, const recipe *how, const store_model *m,
                      const rescored_values *of, grid *g) {
    static const char *const shown[] = {"queries <= %g", "similarity >= %g", "changed <= %g %%"};
    recorded x;
    char what[64];
    err e;
    TRY(read_recorded(s, how, m, &x));
    TRY(limit_row(&x, RESCORED_KINDS, 0.0, "as recorded", g));
    for (int k = 0; k < RESCORED_KINDS; k++)
        for (int i = 0; i < of[k].n; i++) {
            const double v = of[k].v[i];
            snprintf(what, sizeof what, shown[k], k == RESCORED_CHANGED ? 100.0 * v : v);
            TRY(limit_row(&x, k, v, what, g));
        }
done:
    free_recorded(&x);
    return e;
}

err rescored_print(const stored *s, const recipe *how, const store_model *only,
                   const rescored_values of[RESCORED_KINDS], strbuf *out) {
    char title[128];
    snprintf(title, sizeof title,
             "Aua under %s within narrower limits, in %%, from recorded queries", how->name);
    grid g = {.title = title,
              .note = "Bounds: a higher similarity can lead the search elsewhere; open examples "
                      "are those whose end was never asked.\n"
                      "  Between none and all of them withstand. [ ]: Wilson 95 % interval, of "
                      "bounds from the lower end's to the upper end's."};
    err e;
    grid_column(&g, 'l', "Model");
    grid_column(&g, 'l', "Limit");
    grid_column(&g, 'r', "n");
    grid_column(&g, 'n', "Aua");
    grid_column(&g, 'n', "Asr");
    grid_column(&g, 'r', "Queries");
    grid_column(&g, 'r', "Changed %");
    grid_column(&g, 'l', "Figures");
    for (size_t i = 0; i < s->rows.n_models; i++)
        if (!only || only == &s->rows.models[i])
            TRY(model_rows(s, how, &s->rows.models[i], of, &g));
    TRY(grid_text(&g, out));
done:
    grid_free(&g);
    return e;
}
