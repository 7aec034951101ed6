#include "report/seeds.h"

#include "base/arena.h"
#include "eval/metrics.h"
#include "eval/spread.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double (*measure_fn)(const store_model *m);

static double acc(const store_model *m) {
    return m->acc;
}

static double aua(const store_model *m) {
    return m->aua;
}

static double asr(const store_model *m) {
    return m->asr;
}

static double queries(const store_model *m) {
    return ratio(m->queries, m->success + m->failed + m->errored);
}

static double changed(const store_model *m) {
    return ratio(m->changed, m->words);
}

static const struct {
    const char *name, *unit;
    measure_fn of;
} measures[] = {{"acc", "fraction", acc},
                {"aua", "fraction", aua},
                {"asr", "fraction", asr},
                {"queries", "queries", queries},
                {"changed", "fraction", changed}};
enum { MEASURES = sizeof measures / sizeof *measures };

/* one row of the common table */
typedef struct group {
    char title[sizeof((store_model *)0)->title];
    const store_model *first;
    int n;
    const store_model **model; // (n) of the repetitions that have it
} group;

typedef struct groups {
    group *at; // (n)
    int n, seeds;
} groups;

static int is_role(const store_model *m, const char *role) {
    return strcmp(m->role, role) == 0;
}

/* what a row is called where the repetitions differ in the model that plays its part */
static void title_of(const store_model *m, char out[sizeof((store_model *)0)->title]) {
    const int role =
        is_role(m, "best single") || strcmp(m->kind, "average") == 0 || m->title[0] == '\0';
    snprintf(out, sizeof m->title, "%s", role ? m->role : m->title);
}

static group *find(groups *g, const char *title) {
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->at[i].title, title) == 0)
            return &g->at[i];
    return NULL;
}

static err open_group(groups *g, const store_model *m) {
    char title[sizeof m->title];
    title_of(m, title);
    if (find(g, title))
        return OK;
    group *x = &g->at[g->n];
    CALL(mem_alloc((size_t)g->seeds, sizeof(store_model *), &x->model));
    g->n++;
    x->first = m;
    memcpy(x->title, title, sizeof title);
    return OK;
}

static void join(group *x, const store_model *m) {
    if (x)
        x->model[x->n++] = m;
}

/* m under its role, and the best single under its own name too where that is a row */
static void file(groups *g, const store_model *m) {
    char title[sizeof m->title];
    title_of(m, title);
    join(find(g, title), m);
    if (is_role(m, "best single")) {
        snprintf(title, sizeof title, "single (%s)", m->name);
        join(find(g, title), m);
    }
}

static err add_cells(const group *x, double *values, store_content *out) {
    for (int i = 0; i < MEASURES; i++) {
        store_seed *r;
        for (int k = 0; k < x->n; k++)
            values[k] = measures[i].of(x->model[k]);
        const spread s = spread_of(values, x->n);
        CALL(store_add_seeds(out, &r));
        store_text(r->model, sizeof r->model, x->title);
        store_text(r->measure, sizeof r->measure, measures[i].name);
        store_text(r->unit, sizeof r->unit, measures[i].unit);
        r->sparsity = x->first->sparsity;
        r->weights = x->first->weights;
        r->seeds = s.n;
        r->mean = s.mean;
        r->sd = s.sd;
        r->lowest = s.low;
        r->highest = s.high;
    }
    return OK;
}

static err copy_rows(const store_content *each, int n, store_content *out) {
    for (size_t i = 0; i < each[0].n_datasets; i++) {
        store_dataset *d;
        CALL(store_add_datasets(out, &d));
        *d = each[0].datasets[i];
    }
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < each[k].n_models; i++) {
            store_model *m;
            CALL(store_add_models(out, &m));
            *m = each[k].models[i];
        }
    return OK;
}

err seeds_add(const store_content *each, int n, store_content *out) {
    groups g = {.seeds = n};
    double *values = NULL; // (n)
    size_t rows = 0;
    err e;
    for (int k = 0; k < n; k++)
        rows += each[k].n_models;
    TRY(copy_rows(each, n, out));
    TRY(mem_alloc(rows, sizeof *g.at, &g.at));
    TRY(mem_alloc((size_t)n, sizeof *values, &values));
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < each[k].n_models; i++)
            TRY(open_group(&g, &each[k].models[i]));
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < each[k].n_models; i++)
            file(&g, &each[k].models[i]);
    for (int i = 0; i < g.n; i++)
        TRY(add_cells(&g.at[i], values, out));
done:
    for (int i = 0; i < g.n; i++)
        free(g.at[i].model);
    free(g.at);
    free(values);
    return e;
}
