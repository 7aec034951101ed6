/* rows of the attacks: every example of every model by every recipe, and what transfers */
#include "rows.h"

#include "io/dictionary.h"

#define TEXT(field, text) store_text(field, sizeof field, text)

static err attack_row(store_content *s, dictionary *seen, const char *model, const char *recipe,
                      const attack_result *a, const char *text, int row) {
    const int32_t number = (int32_t)s->n_attacks;
    store_attack *r;
    CALL(store_add_attacks(s, &r));
    TEXT(r->model, model);
    TEXT(r->recipe, recipe);
    TEXT(r->outcome, attack_outcome_name(a->outcome));
    r->row = row;
    r->label = a->label;
    r->queries = a->queries;
    r->words = a->words;
    r->changed = a->changed;
    r->prob = a->prob;
    r->final_prob = a->final_prob;
    r->similarity = a->similarity;
    r->first_query = (int64_t)s->n_queries;
    r->recorded = a->n_query;
    r->first_change = (int64_t)s->n_changes;
    CALL(rows_text(s, seen, text, &r->text));
    CALL(rows_text(s, seen, a->final_text, &r->final));
    CALL(rows_queries(s, a));
    return rows_changes(s, a, number);
}

static err transfer_row(store_content *s, const context *c, int a, int b) {
    const transfer_counts *t = &c->transfer[b * c->n_table + a];
    store_transfer *r;
    CALL(store_add_transfer(s, &r));
    TEXT(r->made_on, c->table[a].name);
    TEXT(r->tried_on, c->table[b].name);
    r->made = t->made;
    r->right = t->right;
    r->fooled = t->fooled;
    return OK;
}

/* one model by one recipe: each example, and the counts */
static err recipe_rows(store_content *s, dictionary *seen, const context *c, const table_model *t,
                       const char *recipe, const attack_result *results,
                       const attack_counts *counts) {
    for (int row = 0; row < c->attacked.n; row++)
        CALL(attack_row(s, seen, t->name, recipe, &results[row], dataset_text(&c->attacked, row),
                        row));
    store_recipe *r;
    CALL(store_add_recipes(s, &r));
    TEXT(r->model, t->name);
    TEXT(r->title, t->title);
    TEXT(r->recipe, recipe);
    r->n = counts->n;
    r->correct = counts->correct;
    r->success = counts->success;
    r->failed = counts->failed;
    r->errored = counts->errored;
    r->queries = counts->queries;
    r->changed = counts->changed;
    r->words = counts->words;
    r->shares = counts->shares;
    r->similarity = counts->similarity;
    r->tested = counts->tested;
    return OK;
}

static err model_rows(store_content *s, dictionary *seen, const context *c, const table_model *t) {
    CALL(recipe_rows(s, seen, c, t, c->s->attack.recipe, t->results, &t->counts));
    for (int k = 0; k < t->n_further; k++)
        CALL(recipe_rows(s, seen, c, t, t->further[k].recipe, t->further[k].results,
                         &t->further[k].counts));
    return OK;
}

err rows_attacks(store_content *s, const context *c) {
    dictionary *seen = NULL;
    err e = dictionary_create(&seen);
    for (int i = 0; i < c->n_table && e == OK; i++)
        e = model_rows(s, seen, c, &c->table[i]);
    for (int a = 0; c->transfer && a < c->n_table; a++)
        for (int b = 0; b < c->n_table && e == OK; b++)
            e = transfer_row(s, c, a, b);
    dictionary_destroy(&seen);
    return e;
}
