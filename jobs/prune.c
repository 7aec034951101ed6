#include "context.h"
#include "job.h"
#include "prune_rows.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "io/atomic_file.h"
#include "work/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* calibration sentences: a seeded part of the training texts, cut to their own length */
static err calibration(context *c, int64_t wanted, examples *out) {
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

/* what the units of this stage share */
typedef struct prunings {
    context *c;
    const encoder *dense;
    const examples *calibration;
    char allocation[PATH_BYTES];
} prunings;

static err checkpoint_path(const context *c, const pruned_model *m, char path[PATH_BYTES]) {
    char file[128];
    snprintf(file, sizeof file, "%s.checkpoint", m->name);
    return path_join(path, c->dir, file);
}

/* one model by a group of ranks, in its folder before its record is in the journal */
static err prune_one(void *state, const par *group, int64_t unit, strbuf *record) {
    prunings *all = state;
    context *c = all->c;
    const pruned_model *m = &c->pruned[unit];
    char checkpoint[PATH_BYTES], dir[PATH_BYTES];
    encoder *sparse = NULL;
    prune_layer *rows = NULL;
    examples own = {0};
    int n;
    err e;
    TRY(checkpoint_path(c, m, checkpoint));
    TRY(path_join(dir, c->models, m->name));
    TRY(par_agree(group, mem_alloc((size_t)m->n, sizeof *rows, &rows)));
    if (m->calibration > 0)
        TRY(par_agree(group, calibration(c, m->calibration, &own)));
    prune_job job = {.p = group,
                     .dense = all->dense,
                     .calibration = m->calibration > 0 ? &own : all->calibration,
                     .method = m->method,
                     .sparsity = m->sparsity,
                     .pattern = m->pattern[0] ? m->pattern : NULL,
                     .seed = (uint64_t)c->s->study.seed,
                     .o = &c->s->prune,
                     .allocation_file = all->allocation,
                     .checkpoint = checkpoint,
                     .title = m->name};
    TRY(prune_model(&job, rows, &n, &sparse));
    TRY(par_agree(group, par_first(group) ? encoder_save(sparse, dir, c->vocab) : OK));
    TRY(prune_rows_write(rows, n, record));
    log_info("pruned %s", m->name);
done:
    free(rows);
    examples_free(&own);
    encoder_destroy(&sparse);
    return e;
}

/* all that have no record yet, by groups of ranks; then they are in the manifest */
static err prune_all(context *c, prunings *all) {
    err e = OK;
    char **records = NULL;
    const char **names = NULL;
    int64_t *ranks = NULL, n = c->n_pruned;
    int64_t each = c->s->prune.ranks_per_model;
    TRY(mem_alloc((size_t)n + 1, sizeof *names, &names));
    TRY(mem_alloc((size_t)n + 1, sizeof *ranks, &ranks));
    for (int64_t i = 0; i < n; i++) {
        names[i] = c->pruned[i].name;
        ranks[i] = each > 0 ? each : c->p->size;
    }
    units u = {.p = c->p,
               .dir = c->journal,
               .stage = "prune",
               .key = "",
               .noun = "models",
               .n = n,
               .names = names,
               .ranks = ranks};
    TRY(units_run_groups(&u, prune_one, all, &records));
    for (int64_t i = 0; i < n; i++) {
        pruned_model *m = &c->pruned[i];
        char checkpoint[PATH_BYTES];
        TRY(prune_rows_read(records[i], m->layers, &m->n));
        TRY(context_save_model(c, m->name, NULL, "prune", "greedy"));
        TRY(checkpoint_path(c, m, checkpoint));
        TRY(context_drop(c, checkpoint));
    }
done:
    units_free(&records, n);
    free(names);
    free(ranks);
    return e;
}

static err prune(context *c) {
    examples x = {0};
    encoder *dense = NULL;
    prunings all = {.c = c};
    err e;
    TRY(par_agree(c->p, context_load_model(c, "greedy", &dense)));
    dense->c.p =
        FLOAT32; /* what is pruned is measured exactly; the result is computed as all are */
    TRY(par_agree(c->p, calibration(c, c->s->prune.calibration, &x)));
    if (strcmp(c->s->prune.allocation, "file") == 0)
        TRY(context_resolve(c, "prune.allocation_file", c->s->prune.allocation_file,
                            all.allocation));
    all.dense = dense;
    all.calibration = &x;
    TRY(par_agree(c->p, prune_list(c, dense->c.L)));
    TRY(prune_all(c, &all));
done:
    examples_free(&x);
    encoder_destroy(&dense);
    return e;
}

err stage_prune(context *c) {
    return context_stage(c, PRUNE, stage_soup, prune);
}

err job_prune(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Prune the greedy average layer by layer, without retraining.", stage_prune);
}
