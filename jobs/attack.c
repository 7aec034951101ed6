#include "context.h"
#include "job.h"

#include "base/arena.h"
#include "base/log.h"

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
        snprintf(t->chosen, sizeof t->chosen, "%s",
                 v == c->best && !contrast ? "highest held-out Aua of the sweep"
                                           : "named in the study");
    }
    return OK;
}

static err list_models(context *c) {
    CALL(list_singles(c));
    int n = 0;
    for (int v = 0; v < c->s->n_variants; v++)
        n += c->member[v];
    table_model *t = add_row(c, "uniform", "average", "uniform average (%d)", c->n_ingredients);
    CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
    snprintf(t->method, sizeof t->method, "uniform");
    snprintf(t->role, sizeof t->role, "uniform average");
    snprintf(t->chosen, sizeof t->chosen, "all variants that did not diverge");
    t = add_row(c, "greedy", "average", "greedy average (%d of %d)", n, c->n_ingredients);
    CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
    snprintf(t->method, sizeof t->method, "greedy");
    snprintf(t->role, sizeof t->role, "greedy average");
    snprintf(t->chosen, sizeof t->chosen, "held-out Aua on %d examples, rule %.32s", c->probe.n,
             c->s->soup.rule);
    for (int i = 0; i < c->n_pruned; i++) {
        const pruned_model *m = &c->pruned[i];
        t = add_row(c, m->name, "pruned", "%s %g %%", m->method, 100.0 * m->sparsity);
        CHECK(t, ERR_USAGE, "the table has more than %d models", (int)TABLE_MODELS);
        snprintf(t->method, sizeof t->method, "%s", m->method);
        snprintf(t->chosen, sizeof t->chosen, "greedy average, pruned without retraining");
        t->sparsity = m->sparsity;
    }
    return OK;
}

static err attack_model(context *c, table_model *t) {
    encoder *m = NULL;
    attack *a = NULL;
    err e;
    TRY(par_agree(c->p, context_load_model(c, t->name, &m)));
    int64_t zeros, total;
    prune_sparsity(m, &zeros, &total);
    t->weights = total - (strcmp(t->kind, "pruned") == 0 ? zeros : 0);
    TRY(mem_alloc((size_t)c->attacked.n, sizeof *t->results, &t->results));
    TRY(par_agree(c->p, context_attack(c, &a)));
    TRY(attack_all(c->p, a, m, &c->attacked, c->journal, "attack", t->name, t->results,
                   &t->counts));
    log_info("  %-28s Acc %5.1f  Aua %5.1f  Asr %5.1f  (n = %lld)", t->title,
             100.0 * metrics_acc(&t->counts), 100.0 * metrics_aua(&t->counts),
             100.0 * metrics_asr(&t->counts), (long long)t->counts.n);
done:
    encoder_destroy(&m);
    return e;
}

static err attack_table(context *c) {
    CALL(list_models(c));
    log_info("attacking %d models on %d examples", c->n_table, c->attacked.n);
    for (int i = 0; i < c->n_table; i++)
        CALL(attack_model(c, &c->table[i]));
    return OK;
}

err stage_attack(context *c) {
    return context_stage(c, ATTACK, stage_prune, attack_table);
}

err job_attack(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Attack every model of the table; examples are handed out one by one.",
                       stage_attack);
}
