#include "job.h"
#include "soup_parts.h"

#include "base/arena.h"
#include "base/log.h"
#include "soup/learned.h"
#include "soup/mix.h"

#include <stdlib.h>
#include <string.h>

static void log_scores(const context *c) {
    const averages *a = &c->soup;
    for (int i = 0; i < a->n; i++) {
        const marks x = exam_marks(a->exam, a->s[i].name);
        const char *note = a->s[i].contrast ? " (contrast)" : "";
        if (x.m)
            log_info("  %-16s held-out Acc %.1f %% of %d, Aua %.1f %% of %d, score %.1f +- %.1f%s",
                     a->s[i].name, 100.0 * marks_score(&x, 0.0), x.n, 100.0 * marks_score(&x, 1.0),
                     x.m, 100.0 * marks_score(&x, a->weight), 100.0 * marks_error(&x, a->weight),
                     note);
        else
            log_info("  %-16s held-out Acc %.1f +- %.1f %% of %d%s", a->s[i].name,
                     100.0 * marks_score(&x, 0.0), 100.0 * marks_error(&x, 0.0), x.n, note);
    }
}

static void log_decisions(const context *c) {
    const averages *a = &c->soup;
    log_info("greedy average, score %s, rule %s", c->s->soup.score, c->s->soup.rule);
    for (int i = 0; i < a->n_decisions; i++) {
        const soup_decision *d = &a->decisions[i];
        log_info("  %s %-16s %5.1f  %s", d->accepted ? "accept" : "reject",
                 a->s[d->ingredient].name, 100.0 * d->after, d->reason);
    }
}

static err greedy(context *c) {
    averages *a = &c->soup;
    const soup_options *o = &c->s->soup;
    const greedy_rule rule = {
        .strict = strcmp(o->rule, "higher") == 0, .weight = a->weight, .guard = o->guard};
    encoder *m = NULL;
    err e = mem_alloc((size_t)a->n, sizeof *a->decisions, &a->decisions);
    if (e == OK)
        e = mem_alloc((size_t)a->n, sizeof *a->members, &a->members);
    TRY(par_agree(c->p, e));
    TRY(soup_greedy(a->exam, c->p, a->s, a->n, &rule, a->decisions, &a->n_decisions, a->members,
                    &m));
    TRY(context_save_model(c, "greedy", m, "soup", ""));
    c->best = a->variant[a->decisions[0].ingredient];
    log_scores(c);
    log_decisions(c);
    log_detail("%lld examples of averages that may come next were done on this rank",
               (long long)exam_speculated(a->exam));
done:
    encoder_destroy(&m);
    return e;
}

static err uniform(context *c) {
    encoder *m = NULL;
    CALL(par_agree(c->p, soup_mix(c->soup.s, c->soup.index, NULL, c->soup.k, &m)));
    err e = context_save_model(c, "uniform", m, "soup", "");
    encoder_destroy(&m);
    return e;
}

static err learned(context *c) {
    averages *a = &c->soup;
    const learned_setup s = {.p = c->p,
                             .journal_dir = c->journal,
                             .s = a->s,
                             .index = a->index,
                             .n = a->k,
                             .steps = (int)c->s->soup.learned_steps,
                             .rate = c->s->soup.learned_rate,
                             .heldout = &c->xheldout};
    const size_t rows = (size_t)s.steps + 1;
    encoder *m = NULL;
    if (s.steps == 0)
        return OK;
    err e = mem_alloc(rows, sizeof *a->loss, &a->loss);
    if (e == OK)
        e = mem_alloc(rows * (size_t)a->k, sizeof *a->shares, &a->shares);
    TRY(par_agree(c->p, e));
    TRY(soup_learn(&s, a->loss, a->shares, &a->best_step, &m));
    TRY(context_save_model(c, "learned", m, "soup", ""));
    a->steps = s.steps;
    log_info("learned average: held-out loss %.4f (uniform) -> %.4f after %d of %d steps",
             a->loss[0], a->loss[a->best_step], a->best_step, a->steps);
done:
    encoder_destroy(&m);
    return e;
}

static err barriers(context *c) {
    averages *a = &c->soup;
    const barrier_setup s = {.p = c->p,
                             .journal_dir = c->journal,
                             .s = a->s,
                             .index = a->index,
                             .n = a->k,
                             .points = (int)c->s->soup.barrier_points,
                             .heldout = &c->xheldout};
    if (s.points == 0)
        return OK;
    CALL(soup_barriers(&s, &a->barriers, &a->pairs));
    a->points = s.points;
    return OK;
}

static err soup(context *c) {
    CALL(soup_ingredients(c));
    CALL(soup_examination(c));
    CALL(uniform(c));
    CALL(greedy(c));
    CALL(learned(c));
    return barriers(c);
}

err stage_soup(context *c) {
    return context_stage(c, SOUP, stage_finetune, soup);
}

err job_soup(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Score every variant on held-out examples, under attack and not, then "
                       "average: uniform, greedy, learned. Loss barriers between variants.",
                       stage_soup);
}
