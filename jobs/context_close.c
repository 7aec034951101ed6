#include "context.h"

#include <stdlib.h>

void context_close(context **context_) {
    context *c = *context_;
    if (!c)
        return;
    for (int i = 0; i < c->n_table; i++) {
        for (int r = 0; c->table[i].results && r < c->attacked.n; r++)
            attack_result_free(&c->table[i].results[r]);
        free(c->table[i].results);
    }
    for (int i = 0; i < c->n_pruned; i++)
        free(c->pruned[i].layers);
    free(c->pruned);
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
