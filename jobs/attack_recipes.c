/* after the attack: every model of the table by further recipes */
#include "attack_modes.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

void attack_say(const table_model *t, const attack_counts *n, double seconds) {
    char took[96];
    if (strcmp(t->twin, t->name) == 0)
        snprintf(took, sizeof took, "%lld examples in %.1f s", (long long)n->n, seconds);
    else
        snprintf(took, sizeof took, "the same weights as %s", t->twin);
    log_info("  %-28s Acc %5.1f  Aua %5.1f  Asr %5.1f  (%s)", t->title, 100.0 * metrics_acc(n),
             100.0 * metrics_aua(n), 100.0 * metrics_asr(n), took);
}

static err attack_one_model(context *c, attack *a, table_model *t, further_attack *f) {
    encoder *m = NULL;
    char key[128];
    err e = context_load_victim(c, t->name, &m);
    if (e == OK)
        e = mem_alloc((size_t)c->attacked.n + 1, sizeof *f->results, &f->results);
    TRY(par_agree(c->p, e));
    snprintf(key, sizeof key, "%s by %s", t->twin, f->recipe);
    const double start = clock_now();
    TRY(attack_all(c->p, a, m, &c->attacked, c->journal, "attack", key, f->results, &f->counts));
    attack_say(t, &f->counts, clock_now() - start);
done:
    encoder_destroy(&m);
    return e;
}

static err attack_by(context *c, int k) {
    const char *name = c->s->attack.recipes.v[k];
    attack *a = NULL;
    err e;
    TRY(par_agree(c->p, context_attack_by(c, name, &a)));
    log_info("attacking %d models by %s", c->n_table, name);
    for (int i = 0; i < c->n_table; i++) {
        further_attack *f = &c->table[i].further[k];
        f->recipe = name;
        TRY(attack_one_model(c, a, &c->table[i], f));
    }
done:
    attack_close(&a);
    return e;
}

err attack_recipes(context *c) {
    const int n = c->s->attack.recipes.n;
    err e = OK;
    for (int i = 0; i < c->n_table && n > 0 && e == OK; i++) {
        e = mem_alloc((size_t)n, sizeof *c->table[i].further, &c->table[i].further);
        c->table[i].n_further = e == OK ? n : 0;
    }
    CALL(par_agree(c->p, e));
    for (int k = 0; k < n; k++)
        CALL(attack_by(c, k));
    return OK;
}
