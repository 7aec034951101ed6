/* rows of the models: pruned layers, counts */
#include "rows.h"

#define TEXT(field, text) store_text(field, sizeof field, text)

static err layer_row(store_content *s, const char *model, const prune_layer *l) {
    store_layer *r;
    CALL(store_add_layers(s, &r));
    TEXT(r->model, model);
    TEXT(r->linear, l->linear);
    TEXT(r->factorisation, l->factorisation);
    r->layer = l->layer;
    r->outputs = l->out;
    r->inputs = l->in;
    r->removed = l->removed;
    r->swapped = l->swapped;
    r->damping = l->damping;
    r->retries = l->retries;
    r->condition = l->condition;
    r->residual = l->residual;
    r->error = l->error;
    return OK;
}

static err model_row(store_content *s, const context *c, const table_model *t) {
    store_model *r;
    CALL(store_add_models(s, &r));
    TEXT(r->name, t->name);
    TEXT(r->title, t->title);
    TEXT(r->kind, t->kind);
    TEXT(r->method, t->method);
    TEXT(r->chosen, t->chosen);
    TEXT(r->role, t->role);
    r->seed = c->s->study.seed;
    r->sparsity = t->sparsity;
    r->pretrained = t->pretrained;
    r->weights = t->weights;
    report_counts(r, &t->counts);
    return OK;
}

err rows_models(store_content *s, const context *c) {
    for (int i = 0; i < c->n_pruned; i++)
        for (int l = 0; l < c->pruned[i].n; l++)
            CALL(layer_row(s, c->pruned[i].name, &c->pruned[i].layers[l]));
    for (int i = 0; i < c->n_table; i++)
        CALL(model_row(s, c, &c->table[i]));
    return OK;
}
