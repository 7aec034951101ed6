#include "attack_modes.h"
#include "context.h"
#include "drift.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static table_model *add_row(context *c, const char *name, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static table_model *add_row(context *c, const char *name, const char *kind, const char *fmt, ...) {
    if (c->n_table == TABLE_MODELS)
        return NULL;
    table_model *t = &c->table[c->n_table++];
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->kind, sizeof t->kind, "%s", kind);
    snprintf(t->role, sizeof t->role, "%s", kind);
    t->pretrained = c->pretrained;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->title, sizeof t->title, fmt, ap);
    va_end(ap);
    return t;
}

/* which single variants are reported: contrasts with a random start always, the best one always */
static err list_singles(context *c) {
    int all = strcmp(c->s->report.variants, "all") == 0;
    for (int v = 0; v < c->s->n_variants; v++) {
        const variant *x = &c->s->variants[v];
        int contrast = strcmp(x->o.init, "random") == 0 && c->pretrained;
        if (c->sweep[v].train.diverged || !(all || contrast || v == c->best))
            continue;
        table_model *t = contrast ? add_row(c, x->name, "single", "no pre-training (%s)", x->name)
                         : v == c->best ? add_row(c, x->name, "single", "best single (%s)", x->name)
                                        : add_row(c, x->name, "single", "single (%s)", x->name);
        CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
        t->pretrained = c->pretrained && !contrast;
        snprintf(t->role, sizeof t->role, "%s",
                 contrast       ? "no pre-training"
                 : v == c->best ? "best single"
                                : "single");
        if (v == c->best && !contrast)
            snprintf(t->chosen, sizeof t->chosen, "highest held-out score (%.16s) of the sweep",
                     c->s->soup.score);
        else
            snprintf(t->chosen, sizeof t->chosen, "named in the study");
    }
    return OK;
}

/* title: what it is called beside its number of members; the same role in every repetition */
static err add_average(context *c, const char *name, const char *title, const char *chosen) {
    table_model *t = add_row(c, name, "average", "%s", title);
    CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
    snprintf(t->method, sizeof t->method, "%s", name);
    snprintf(t->role, sizeof t->role, "%s average", name);
    snprintf(t->chosen, sizeof t->chosen, "%s", chosen);
    return OK;
}

static err list_averages(context *c) {
    const averages *a = &c->soup;
    char title[96], chosen[160];
    int n = 0;
    for (int i = 0; i < a->n; i++)
        n += a->members[i];
    snprintf(title, sizeof title, "uniform average (%d)", a->k);
    CALL(add_average(c, "uniform", title, "all variants that did not diverge"));
    snprintf(title, sizeof title, "greedy average (%d of %d)", n, a->k);
    snprintf(chosen, sizeof chosen, "held-out %.16s, %d examples, %d of them attacked, rule %.16s",
             c->s->soup.score, c->heldout.n, a->weight > 0.0 ? c->probe.n : 0, c->s->soup.rule);
    CALL(add_average(c, "greedy", title, chosen));
    if (a->steps == 0)
        return OK;
    snprintf(title, sizeof title, "learned average (%d)", a->k);
    snprintf(chosen, sizeof chosen, "weights learned on the loss of %d held-out examples, step %d",
             c->heldout.n, a->best_step);
    return add_average(c, "learned", title, chosen);
}

static err list_models(context *c) {
    CALL(list_singles(c));
    CALL(list_averages(c));
    for (int i = 0; i < c->n_pruned; i++) {
        const pruned_model *m = &c->pruned[i];
        table_model *t = add_row(c, m->name, "pruned", "%s %s", m->method, m->amount);
        CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
        snprintf(t->method, sizeof t->method, "%s", m->method);
        snprintf(t->chosen, sizeof t->chosen, "greedy average, pruned without retraining");
        t->sparsity = m->sparsity;
    }
    return OK;
}

/* an average of one variant is that variant: what has the same weights is attacked once */
static void find_twin(context *c, table_model *t, const encoder *m) {
    hash_bytes(m->block, m->n * sizeof *m->block, t->sha256);
    const table_model *first = c->table;
    while (strcmp(first->sha256, t->sha256) != 0)
        first++;
    t->twin = first->name;
}

static err attack_model(context *c, table_model *t) {
    encoder *m = NULL;
    attack *a = NULL;
    double start;
    err e;
    TRY(par_agree(c->p, context_load_victim(c, t->name, &m)));
    int64_t zeros, total;
    prune_sparsity(m, &zeros, &total);
    t->weights = total - (strcmp(t->kind, "pruned") == 0 ? zeros : 0);
    find_twin(c, t, m);
    TRY(mem_alloc((size_t)c->attacked.n, sizeof *t->results, &t->results));
    TRY(par_agree(c->p, context_attack(c, &a)));
    start = clock_now();
    TRY(attack_all(c->p, a, m, &c->attacked, c->journal, "attack", t->twin, t->results,
                   &t->counts));
    attack_say(t, &t->counts, clock_now() - start);
done:
    encoder_destroy(&m);
    return e;
}

static err attack_table(context *c) {
    CALL(list_models(c));
    log_info("attacking %d models on %d examples", c->n_table, c->attacked.n);
    for (int i = 0; i < c->n_table; i++)
        CALL(attack_model(c, &c->table[i]));
    CALL(attack_recipes(c));
    if (c->s->attack.transfer)
        CALL(attack_transfer(c));
    return drift_models(c);
}

err stage_attack(context *c) {
    return context_stage(c, ATTACK, stage_prune, attack_table);
}
