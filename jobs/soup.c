#include "context.h"
#include "job.h"

#include "base/arena.h"
#include "base/log.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* how many held-out examples a model still gets right under attack */
static err robust_score(void *state, const char *name, const encoder *m, int64_t *count,
                        int64_t *n) {
    context *c = state;
    attack *a = NULL;
    attack_counts counts;
    attack_result *results = NULL;
    CALL(par_agree(c->p, context_attack(c, &a)));
    CALL(mem_alloc((size_t)c->probe.n, sizeof *results, &results));
    err e = attack_all(c->p, a, m, &c->probe, c->journal, "heldout", name, results, &counts);
    for (int i = 0; i < c->probe.n; i++)
        attack_result_free(&results[i]);
    free(results);
    *count = counts.failed;
    *n = counts.n;
    return e;
}

/* every finished variant's score; ingredients are those that share the pretrained ancestor */
static err score_variants(context *c, soup_ingredient *ingredients) {
    for (int v = 0; v < c->s->n_variants; v++) {
        const variant *x = &c->s->variants[v];
        if (c->sweep[v].train.diverged)
            continue;
        encoder *m = NULL;
        CALL(par_agree(c->p, context_load_model(c, x->name, &m)));
        int64_t count, n;
        err e = robust_score(c, x->name, m, &count, &n);
        encoder_destroy(&m);
        CALL(e);
        c->robust[v] = (attack_counts){.n = n, .failed = count};
        log_info("  %-16s held-out Aua %.1f %% (%lld of %lld)", x->name, 100.0 * ratio(count, n),
                 (long long)count, (long long)n);
        if (strcmp(x->o.init, "random") == 0 && c->pretrained)
            continue;
        soup_ingredient *s = &ingredients[c->n_ingredients];
        snprintf(s->name, sizeof s->name, "%s", x->name);
        CALL(path_join(s->dir, c->models, x->name));
        s->count = count;
        s->n = n;
        s->tie = c->sweep[v].heldout.correct;
        c->ingredient[c->n_ingredients++] = v;
    }
    CHECK(c->n_ingredients > 0, ERR_FAILED, "no variant can be averaged: every one diverged");
    return OK;
}

static err average(context *c, const soup_ingredient *s) {
    int n = c->n_ingredients;
    int *all = NULL, *members = NULL;
    encoder *uniform = NULL, *greedy = NULL;
    err e;
    TRY(mem_alloc((size_t)n, sizeof *all, &all));
    TRY(mem_alloc((size_t)n, sizeof *members, &members));
    TRY(mem_alloc((size_t)n, sizeof *c->decisions, &c->decisions));
    for (int i = 0; i < n; i++)
        all[i] = i;
    TRY(par_agree(c->p, soup_mean(s, all, n, &uniform)));
    TRY(context_save_model(c, "uniform", uniform, "soup", ""));
    TRY(soup_greedy(c->p, s, n, strcmp(c->s->soup.rule, "higher") == 0, robust_score, c,
                    c->decisions, members, &greedy));
    TRY(context_save_model(c, "greedy", greedy, "soup", ""));
    c->n_decisions = n;
    c->best = c->ingredient[c->decisions[0].ingredient];
    for (int i = 0; i < n; i++)
        c->member[c->ingredient[i]] = members[i];
done:
    encoder_destroy(&uniform);
    encoder_destroy(&greedy);
    free(all);
    free(members);
    return e;
}

static void log_decision(const soup_ingredient *s, const soup_decision *d) {
    log_info("  %s %-16s %.1f -> %.1f %% of %lld", d->accepted ? "accept" : "reject",
             s[d->ingredient].name, 100.0 * ratio(d->before, d->n), 100.0 * ratio(d->after, d->n),
             (long long)d->n);
}

static err soup(context *c) {
    size_t n = (size_t)c->s->n_variants;
    soup_ingredient *s = NULL;
    err e;
    TRY(mem_alloc(n, sizeof *s, &s));
    TRY(mem_alloc(n, sizeof *c->robust, &c->robust));
    TRY(mem_alloc(n, sizeof *c->member, &c->member));
    TRY(mem_alloc(n, sizeof *c->ingredient, &c->ingredient));
    TRY(score_variants(c, s));
    TRY(average(c, s));
    log_info("greedy average on held-out Aua");
    for (int i = 0; i < c->n_decisions; i++)
        log_decision(s, &c->decisions[i]);
done:
    free(s);
    return e;
}

err stage_soup(context *c) {
    return context_stage(c, SOUP, stage_finetune, soup);
}

err job_soup(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Score every variant by accuracy under attack on held-out examples, then "
                       "average: uniform and greedy.",
                       stage_soup);
}
