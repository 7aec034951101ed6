/* from what the stages found to the rows of the store */
#include "drift.h"

#include "io/hash.h"

#define TEXT(field, text) store_text(field, sizeof field, text)

static err option_row(void *state, const char *section, const char *name, const char *value,
                      const char *unit, const char *help) {
    store_option *r;
    CALL(store_add_options(state, &r));
    TEXT(r->section, section[0] ? section : "study");
    TEXT(r->name, name);
    TEXT(r->value, value);
    TEXT(r->unit, unit);
    TEXT(r->help, help);
    return OK;
}

err rows_options(store_content *s, const study *of) {
    return study_walk(of, option_row, s);
}

static err dataset_row(store_content *s, const dataset *d, const char *split, const examples *x) {
    store_dataset *r;
    char sha256[65];
    CALL(store_add_datasets(s, &r));
    hash_bytes(d->bytes, (size_t)d->offset[d->n], sha256);
    TEXT(r->name, d->name);
    TEXT(r->split, split);
    TEXT(r->sha256, sha256);
    r->rows = d->n;
    r->classes = d->K;
    r->bytes = d->file_bytes;
    r->tokens = x->offset[x->n];
    r->cut = x->cut;
    return OK;
}

static err variant_row(store_content *s, const context *c, int v) {
    const variant *x = &c->s->variants[v];
    const sweep_result *w = &c->sweep[v];
    store_variant *r;
    CALL(store_add_variants(s, &r));
    TEXT(r->name, x->name);
    TEXT(r->init, x->o.init);
    TEXT(r->status, w->given_up ? "given up" : w->train.diverged ? "diverged" : "done");
    r->learning_rate = x->o.learning_rate;
    r->epochs = x->o.epochs;
    r->batch = x->o.batch;
    r->weight_decay = x->o.weight_decay;
    r->warmup = x->o.warmup;
    r->clip = x->o.clip;
    r->dropout = x->o.dropout;
    r->seed = x->o.seed;
    r->steps = w->train.steps;
    r->tokens = w->train.tokens;
    r->first_loss = w->train.first_loss;
    r->last_loss = w->train.last_loss;
    r->heldout_n = w->heldout.n;
    r->heldout_correct = w->heldout.correct;
    r->best = v == c->best;
    rows_score(r, c, v);
    return OK;
}

static err data_rows(store_content *s, const context *c) {
    CALL(dataset_row(s, &c->train, "train", &c->xtrain));
    CALL(dataset_row(s, &c->heldout, "heldout", &c->xheldout));
    CALL(dataset_row(s, &c->test, "test", &c->xtest));
    if (!c->pretraining.steps)
        return OK;
    store_pretraining *r;
    CALL(store_add_pretraining(s, &r));
    r->steps = c->pretraining.steps;
    r->tokens = c->pretraining.tokens;
    r->heldout_first = c->pretraining.heldout_first;
    r->heldout_last = c->pretraining.heldout_last;
    r->diverged = c->pretraining.diverged;
    return OK;
}

err rows_fill(store_content *s, const context *c) {
    CALL(rows_options(s, c->s));
    CALL(data_rows(s, c));
    for (int v = 0; v < c->s->n_variants; v++)
        CALL(variant_row(s, c, v));
    CALL(rows_soup(s, c));
    CALL(rows_models(s, c));
    CALL(rows_attacks(s, c));
    CALL(rows_comparisons(s, c));
    CALL(drift_rows(s, c));
    CALL(drift_curves(s, c));
    return rows_run(s, c);
}
