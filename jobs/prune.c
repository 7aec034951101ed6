#include "context.h"
#include "job.h"
#include "prune_rows.h"
#include "prune_sets.h"

#include "io/atomic_file.h"
#include "linalg/linalg.h"
#include "work/units.h"

#include <string.h>

static err read_record(void *state, const char *key, int64_t unit, const char *record) {
    (void)key, (void)unit;
    return prune_rows_read(state, record);
}

/* all that have no record yet, by groups of ranks */
static err prune_missing(context *c, prune_sets *sets) {
    char **records = NULL;
    units u = {.p = c->p,
               .dir = c->journal,
               .stage = "prune",
               .key = "",
               .noun = "sets of models",
               .n = sets->n,
               .names = sets->names,
               .ranks = sets->ranks};
    err e;
    TRY(units_run_groups(&u, prune_set, sets, &records));
    for (int i = 0; i < sets->n; i++)
        TRY(prune_rows_read(c, records[i]));
done:
    units_free(&records, sets->n);
    return e;
}

/* then they are in the manifest */
static err list_all(context *c) {
    for (int i = 0; i < c->n_pruned; i++) {
        const pruned_model *m = &c->pruned[i];
        char checkpoint[PATH_BYTES];
        CHECK(m->recorded, ERR_FAILED, "prune: %s was not done", m->name);
        CALL(context_save_model(c, m->name, NULL, "prune", "greedy"));
        CALL(prune_checkpoint(c, m, checkpoint));
        CALL(context_drop(c, checkpoint));
    }
    return OK;
}

static err prune(context *c) {
    examples x = {0};
    encoder *dense = NULL;
    prune_sets sets = {0};
    err e;
    TRY(par_agree(c->p, context_load_model(c, "greedy", &dense)));
    dense->c.p =
        FLOAT32; /* what is pruned is measured exactly; the result is computed as all are */
    TRY(par_agree(c->p, prune_calibration(c, c->s->prune.calibration, &x)));
    TRY(par_agree(c->p, prune_list(c, dense->c.L)));
    TRY(units_read_all(c->p, c->journal, "prune", read_record, c));
    TRY(prune_sets_make(c, dense, &sets));
    if (strcmp(c->s->prune.allocation, "file") == 0)
        TRY(context_resolve(c, "prune.allocation_file", c->s->prune.allocation_file,
                            sets.allocation));
    sets.calibration = &x;
    TRY(prune_missing(c, &sets));
    TRY(list_all(c));
done:
    prune_sets_free(&sets);
    examples_free(&x);
    encoder_destroy(&dense);
    return e;
}

static err check_grid(context *c, void *arg) {
    const prune_options *o = &c->s->prune;
    char begun[PATH_BYTES], how[64];
    (void)arg;
    CALL(path_join(begun, c->dir, "manifest.json"));
    if (path_exists(begun) || o->methods.n == 0)
        return OK;
    prune_factorisation(o, how);
    int each = prune_sets_ranks(c), left = c->p->size % each;
    return linalg_check(&(par){.size = left > 0 ? left : each}, how);
}

err context_check_grid(context *c) {
    return context_on_root(c, check_grid, NULL);
}

err stage_prune(context *c) {
    CALL(context_check_grid(c));
    return context_stage(c, PRUNE, stage_soup, prune);
}

err job_prune(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Prune the greedy average layer by layer, without retraining.", stage_prune);
}
