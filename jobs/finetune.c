#include "context.h"
#include "job.h"
#include "memory.h"

#include "base/arena.h"
#include "base/log.h"
#include "config/variants.h"
#include "io/atomic_file.h"

#include <stdlib.h>
#include <string.h>

static void log_variant(const variant *v, const sweep_result *r) {
    if (r->given_up)
        log_info("  %-16s given up after its first epoch: held-out Acc %.1f %% (%lld of %lld)",
                 v->name, 100.0 * ratio(r->heldout.correct, r->heldout.n),
                 (long long)r->heldout.correct, (long long)r->heldout.n);
    else if (r->train.diverged)
        log_info("  %-16s diverged after %lld steps: recorded, left out of the average", v->name,
                 (long long)r->train.steps);
    else
        log_info("  %-16s held-out Acc %.1f %% (%lld of %lld), last loss %.4f", v->name,
                 100.0 * ratio(r->heldout.correct, r->heldout.n), (long long)r->heldout.correct,
                 (long long)r->heldout.n, r->train.last_loss);
}

/* two variants with the same options are the same model under two names */
static err say_twins(const study *s) {
    int *twin = NULL;
    CALL(mem_alloc((size_t)s->n_variants, sizeof *twin, &twin));
    err e = variants_twins(s->variants, s->n_variants, twin);
    for (int v = 0; v < s->n_variants && e == OK; v++)
        if (twin[v] >= 0)
            log_warning("variants %s and %s have the same options: they become the same model",
                        s->variants[twin[v]].name, s->variants[v].name);
    free(twin);
    return e;
}

static void log_usage(const sweep_usage *u) {
    if (u->available > 0)
        log_info("  %.1f %% of the ranks' %.0f s went into training, %.1f %% into loading, scores "
                 "and publishing",
                 100 * u->training / u->available, u->available, 100 * u->other / u->available);
}

static err finetune(context *c) {
    const study *s = c->s;
    encoder_config shape = c->start_model->c;
    shape.K = c->train.K;
    shape.mlm = 0;
    char checkpoints[PATH_BYTES];
    CALL(path_join(checkpoints, c->dir, "checkpoints"));
    CALL(par_agree(c->p, say_twins(s)));
    sweep sw = {.p = c->p,
                .journal_dir = c->journal,
                .models_dir = c->models,
                .checkpoints_dir = checkpoints,
                .vocab = c->vocab,
                .start_dir = c->start,
                .shape = shape,
                .seed = (uint64_t)s->study.seed,
                .variants = s->variants,
                .n = s->n_variants,
                .train = &c->xtrain,
                .heldout = &c->xheldout,
                .K = c->train.K,
                .label = c->train.label_name};
    need most;
    CALL(par_agree(c->p, memory_finetune(c, &shape, c->p->size, &most)));
    CALL(memory_check(c->p, "fine-tuning", &most));
    CALL(mem_alloc((size_t)s->n_variants, sizeof *c->sweep, &c->sweep));
    CALL(sweep_run(&sw, c->sweep, &c->usage));
    char made_from[80] = "start ";
    err e = c->p->rank == 0 ? inputs_ancestor(c, made_from + strlen(made_from)) : OK;
    CALL(par_agree(c->p, e));
    log_info("fine-tuned %d variant%s", s->n_variants, s->n_variants == 1 ? "" : "s");
    for (int v = 0; v < s->n_variants; v++) {
        log_variant(&s->variants[v], &c->sweep[v]);
        if (!c->sweep[v].train.diverged)
            CALL(context_save_model(c, s->variants[v].name, NULL, "finetune", made_from));
    }
    log_usage(&c->usage);
    return OK;
}

err stage_finetune(context *c) {
    return context_stage(c, FINETUNE, stage_pretrain, finetune);
}

err job_finetune(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Fine-tune every variant of the study; variants are handed out to ranks as "
                       "they become free.",
                       stage_finetune);
}
