#include "context.h"
#include "job.h"
#include "memory.h"

#include "base/log.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "train/checkpoint.h"
#include "train/cooccurrence.h"
#include "train/documents.h"
#include "work/units.h"

#include <string.h>

/* a killed run loses at most so many steps of pre-training */
enum { CHECKPOINT_STEPS = 50 };

static err write_result(void *state, int64_t unit, strbuf *record) {
    (void)unit;
    const pretrain_result *r = state;
    return strbuf_printf(record,
                         "{\"diverged\": %d, \"steps\": %lld, \"tokens\": %lld, "
                         "\"heldout_first\": %.17g, \"heldout_last\": %.17g}",
                         r->diverged, (long long)r->steps, (long long)r->tokens,
                         r->diverged ? 0.0 : r->heldout_first, r->diverged ? 0.0 : r->heldout_last);
}

/* the result goes to the journal before the model is published: present model, present result */
static err keep_result(context *c, int run) {
    units u = {
        .p = c->p, .dir = c->journal, .stage = "pretrain", .key = "", .noun = "runs", .n = 1};
    char **records = NULL;
    if (run)
        CALL(units_run(&u, write_result, &c->pretraining, &records));
    else
        CALL(units_read(&u, &records));
    json_t *j = NULL;
    err e = OK;
    if (records[0] && (e = json_parse(records[0], "journal of pretrain", &j)) == OK) {
        json_int_t steps = 0, tokens = 0;
        json_unpack(j, "{s:i, s:I, s:I, s:F, s:F}", "diverged", &c->pretraining.diverged, "steps",
                    &steps, "tokens", &tokens, "heldout_first", &c->pretraining.heldout_first,
                    "heldout_last", &c->pretraining.heldout_last);
        c->pretraining.steps = steps;
        c->pretraining.tokens = tokens;
        json_decref(j);
    }
    units_free(&records, 1);
    return e;
}

typedef struct embedding {
    encoder *m;
    const examples *x;
} embedding;

static err compute_embeddings(context *c, void *arg) {
    const embedding *e = arg;
    return cooccurrence_start(e->m, c->w, e->x);
}

/* word embeddings from the corpus, where the study asks for it and there is no checkpoint */
static err start_embeddings(context *c, encoder *m, const examples *x) {
    if (c->s->model.checkpoint[0] || strcmp(c->s->pretrain.embeddings, "cooccurrence") != 0)
        return OK;
    embedding arg = {m, x};
    CALL(context_on_root(c, compute_embeddings, &arg));
    return par_bcast(c->p, m->p.word_emb, (size_t)m->c.V * (size_t)m->c.H * sizeof *m->p.word_emb,
                     0);
}

static err checkpoint_path(const context *c, char out[PATH_BYTES]) {
    return path_join(out, c->dir, "pretrain.checkpoint");
}

static err drop_checkpoint(context *c, void *arg) {
    (void)c;
    return checkpoint_remove(arg);
}

static err run_pretraining(context *c, encoder *m) {
    dataset corpus = {0};
    examples x = {0};
    char checkpoint[PATH_BYTES];
    monitor mon = {0};
    err e;
    TRY(start_corpus(c, &corpus));
    TRY(par_agree(c->p, documents_examples(&corpus, c->w, &c->s->pretrain, &x)));
    TRY(memory_pretrain(c, m, &x));
    TRY(checkpoint_path(c, checkpoint));
    TRY(start_embeddings(c, m, &x));
    train_place place = {.checkpoint = checkpoint, .every = CHECKPOINT_STEPS};
    TRY(pretrain(c->p, m, &c->s->pretrain, (uint64_t)c->s->study.seed, c->w, &x, &place, &mon,
                 &c->pretraining));
    ENSURE(!c->pretraining.diverged, ERR_FAILED,
           "pre-training diverged after %lld steps: lower pretrain.learning_rate",
           (long long)c->pretraining.steps);
    TRY(keep_result(c, 1));
done:
    dataset_free(&corpus);
    examples_free(&x);
    return e;
}

static err make_start(context *c) {
    encoder *m = NULL;
    int has = 0;
    CALL(context_has_model(c, "start", &has));
    if (has)
        return keep_result(c, 0);
    CALL(par_agree(c->p, start_encoder(c, 1, &m)));
    err e = c->s->pretrain.epochs > 0 ? run_pretraining(c, m) : OK;
    if (e == OK)
        e = context_save_model(c, "start", m, "pretrain", "");
    encoder_destroy(&m);
    char checkpoint[PATH_BYTES];
    if (e == OK)
        e = checkpoint_path(c, checkpoint);
    return e == OK ? context_on_root(c, drop_checkpoint, checkpoint) : e;
}

static err pretrain_start(context *c) {
    const study *s = c->s;
    c->pretrained = s->model.checkpoint[0] || s->pretrain.epochs > 0;
    if (s->model.checkpoint[0] && s->pretrain.epochs == 0) {
        CALL(context_resolve(c, "model.checkpoint", s->model.checkpoint, c->start));
        return par_agree(c->p, start_encoder(c, 0, &c->start_model));
    }
    CALL(make_start(c));
    if (c->pretraining.steps)
        log_info("pre-training: %lld steps, held-out masked loss %.3f -> %.3f nats",
                 (long long)c->pretraining.steps, c->pretraining.heldout_first,
                 c->pretraining.heldout_last);
    CALL(path_join(c->start, c->models, "start"));
    CALL(par_agree(
        c->p, encoder_load(c->start, (encoder_want){.classes = 0, .mlm = 0}, &c->start_model)));
    return context_set_precision(c, c->start_model);
}

err stage_pretrain(context *c) {
    return context_stage(c, PRETRAIN, stage_prepare, pretrain_start);
}

err job_pretrain(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Make the encoder that every variant starts from: masked-language model "
                       "over all ranks, a checkpoint, or random weights.",
                       stage_pretrain);
}
