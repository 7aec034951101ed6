#include "context.h"

#include "work/units.h"

#include <stdlib.h>

static void free_results(attack_result *r, int n) {
    for (int i = 0; r && i < n; i++)
        attack_result_free(&r[i]);
    free(r);
}

void context_close(context **context_) {
    context *c = *context_;
    if (!c)
        return;
    for (int i = 0; i < c->n_table; i++) {
        table_model *t = &c->table[i];
        free_results(t->results, c->attacked.n);
        for (int k = 0; k < t->n_further; k++)
            free_results(t->further[k].results, c->attacked.n);
        free(t->further);
    }
    for (int i = 0; i < c->n_pruned; i++)
        free(c->pruned[i].layers);
    free(c->pruned);
    units_free(&c->drift, c->n_drift);
    free(c->transfer);
    free(c->sweep);
    averages_free(&c->soup);
    attack_close(&c->attack);
    encoder_destroy(&c->start_model);
    dataset *sets[] = {&c->train, &c->heldout, &c->test, &c->probe, &c->attacked};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        dataset_free(sets[i]);
    examples *tokens[] = {&c->xtrain, &c->xheldout, &c->xtest};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        examples_free(tokens[i]);
    tokenizer_close(&c->w);
    manifest_close(&c->manifest);
    lock_release(&c->lock);
    study_free(&c->s);
    free(c);
    *context_ = NULL;
}
