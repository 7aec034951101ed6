/* one set of models that are pruned together */
#include "prune_rows.h"
#include "prune_sets.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <stdlib.h>

err prune_calibration(const context *c, int64_t wanted, examples *out) {
    const prune_options *o = &c->s->prune;
    int n = wanted < c->train.n ? (int)wanted : c->train.n;
    int32_t *index = NULL;
    dataset part = {0};
    err e;
    TRY(mem_alloc((size_t)n, sizeof *index, &index));
    TRY(dataset_sample(&c->train, (uint64_t)c->s->study.seed, RNG_CALIBRATION, n, index));
    TRY(dataset_select(&c->train, index, n, &part));
    TRY(examples_make(&part, c->w, (int)o->calibration_length, out));
done:
    free(index);
    dataset_free(&part);
    return e;
}

err prune_checkpoint(const context *c, const pruned_model *m, char path[PATH_BYTES]) {
    char file[128];
    snprintf(file, sizeof file, "%s.checkpoint", m->name);
    return path_join(path, c->dir, file);
}

/* n models on their way */
typedef struct set_work {
    int n;
    prune_job *job;                 // (n)
    char (*checkpoint)[PATH_BYTES]; // (n)
    prune_layer **rows;             // (n)
    int *counts;                    // (n)
    encoder **sparse;               // (n)
    examples own;                   /* calibration, where it is not the study's */
} set_work;

static void work_free(set_work *w) {
    for (int i = 0; i < w->n; i++) {
        if (w->rows)
            free(w->rows[i]);
        if (w->sparse)
            encoder_destroy(&w->sparse[i]);
    }
    free(w->job);
    free(w->checkpoint);
    free(w->rows);
    free(w->counts);
    free(w->sparse);
    examples_free(&w->own);
}

/* the study's largest sparsity: what is cut from one trace is then the same in every set */
static double largest(const prune_options *o) {
    double most = 0.0;
    for (int i = 0; i < o->sparsity.n; i++)
        most = o->sparsity.v[i] > most ? o->sparsity.v[i] : most;
    return most;
}

/* model (n): numbers of a set's models */
static err work_create(const prune_sets *all, const par *group, const int *model, int n,
                       set_work *w) {
    context *c = all->c;
    const pruned_model *first = &c->pruned[model[0]];
    size_t each = (size_t)n;
    *w = (set_work){.n = n};
    CALL(mem_alloc(each, sizeof *w->job, &w->job));
    CALL(mem_alloc(each, sizeof *w->checkpoint, &w->checkpoint));
    CALL(mem_alloc(each, sizeof *w->rows, &w->rows));
    CALL(mem_alloc(each, sizeof *w->counts, &w->counts));
    CALL(mem_alloc(each, sizeof *w->sparse, &w->sparse));
    if (first->calibration > 0)
        CALL(prune_calibration(c, first->calibration, &w->own));
    for (int i = 0; i < n; i++) {
        const pruned_model *m = &c->pruned[model[i]];
        CALL(prune_checkpoint(c, m, w->checkpoint[i]));
        CALL(mem_alloc((size_t)m->n, sizeof **w->rows, &w->rows[i]));
        w->job[i] = (prune_job){.p = group,
                                .dense = all->dense,
                                .calibration = m->calibration > 0 ? &w->own : all->calibration,
                                .method = m->method,
                                .sparsity = m->sparsity,
                                .pattern = m->pattern[0] ? m->pattern : NULL,
                                .trace = largest(&c->s->prune),
                                .seed = (uint64_t)c->s->study.seed,
                                .o = &c->s->prune,
                                .allocation_file = all->allocation,
                                .checkpoint = w->checkpoint[i],
                                .title = m->name};
    }
    return OK;
}

err prune_set(void *state, const par *group, int64_t unit, strbuf *record) {
    const prune_sets *all = state;
    context *c = all->c;
    const int *model = all->model + all->first[unit];
    int n = all->first[unit + 1] - all->first[unit];
    set_work w;
    err e = work_create(all, group, model, n, &w);
    TRY(par_agree(group, e));
    TRY(prune_models(w.job, n, w.rows, w.counts, w.sparse));
    for (int i = 0; i < n; i++) {
        char dir[PATH_BYTES];
        TRY(path_join(dir, c->models, c->pruned[model[i]].name));
        TRY(par_agree(group, par_first(group) ? encoder_save(w.sparse[i], dir, c->vocab) : OK));
        log_info("pruned %s", c->pruned[model[i]].name);
    }
    TRY(prune_rows_write(c, model, n, w.rows, w.counts, record));
done:
    work_free(&w);
    return e;
}
