#include "context.h"
#include "job.h"

#include "base/arena.h"
#include "base/log.h"

static void log_variant(const variant *v, const sweep_result *r) {
    if (r->train.diverged)
        log_info("  %-16s diverged after %lld steps: recorded, left out of the average", v->name,
                 (long long)r->train.steps);
    else
        log_info("  %-16s held-out Acc %.1f %% (%lld of %lld), last loss %.4f", v->name,
                 100.0 * ratio(r->heldout.correct, r->heldout.n), (long long)r->heldout.correct,
                 (long long)r->heldout.n, r->train.last_loss);
}

static err finetune(context *c) {
    const study *s = c->s;
    encoder_config shape = c->start_model->c;
    shape.K = c->train.K;
    shape.mlm = 0;
    sweep sw = {.p = c->p,
                .journal_dir = c->journal,
                .models_dir = c->models,
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
    CALL(mem_alloc((size_t)s->n_variants, sizeof *c->sweep, &c->sweep));
    CALL(sweep_run(&sw, c->sweep));
    log_info("fine-tuned %d variant%s", s->n_variants, s->n_variants == 1 ? "" : "s");
    for (int v = 0; v < s->n_variants; v++) {
        log_variant(&s->variants[v], &c->sweep[v]);
        if (!c->sweep[v].train.diverged)
            CALL(context_save_model(c, s->variants[v].name, NULL, "finetune", "start"));
    }
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
