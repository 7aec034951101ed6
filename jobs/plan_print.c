/* a study's plan as text */
#include "plan.h"

#include "base/arena.h"
#include "base/log.h"
#include "config/variants.h"
#include "sweep/schedule.h"

#include <stdlib.h>

static const double GIB = 0x1p-30;

static err print_variants(const study_plan *p, strbuf *out) {
    const study *s = p->c->s;
    CALL(strbuf_printf(out, "%-12s %6s %9s %10s %10s  options\n", "variant", "ranks", "steps",
                       "tokens", "seconds"));
    for (int i = 0; i < s->n_variants; i++) {
        const variant *v = &s->variants[i];
        cost c = cost_variant(&p->speed.rates, &v->o, &p->c->xtrain, 0);
        int64_t ranks = v->o.ranks_per_variant < p->ranks ? v->o.ranks_per_variant : p->ranks;
        CALL(strbuf_printf(out, "%-12s %6lld %9lld %10lld", v->name, (long long)ranks,
                           (long long)c.steps, (long long)c.tokens));
        if (p->measured)
            CALL(strbuf_printf(out, " %10.1f  ", p->seconds[i]));
        else
            CALL(strbuf_printf(out, " %10s  ", "-"));
        CALL(variants_write_one(v, &s->finetune, out));
        CALL(strbuf_printf(out, "\n"));
    }
    return OK;
}

static err say_twins(const study *s, strbuf *out) {
    int *twin = NULL;
    CALL(mem_alloc((size_t)s->n_variants, sizeof *twin, &twin));
    err e = variants_twins(s->variants, s->n_variants, twin);
    for (int v = 0; v < s->n_variants && e == OK; v++)
        if (twin[v] >= 0)
            e = strbuf_printf(out, "%s and %s have the same options: the same model twice\n",
                              s->variants[twin[v]].name, s->variants[v].name);
    free(twin);
    return e;
}

static err predict(const study_plan *p, schedule *out) {
    const study *s = p->c->s;
    int64_t *order = NULL, *want = NULL;
    err e;
    TRY(mem_alloc((size_t)s->n_variants, sizeof *order, &order));
    TRY(mem_alloc((size_t)s->n_variants, sizeof *want, &want));
    for (int i = 0; i < s->n_variants; i++)
        want[i] = s->variants[i].o.ranks_per_variant;
    cost_order(p->seconds, s->n_variants, order);
    TRY(schedule_predict(p->seconds, want, order, s->n_variants, p->ranks, out));
done:
    free(order);
    free(want);
    return e;
}

static err print_hours(const study_plan *p, strbuf *out) {
    plan_stage part[PLAN_STAGES];
    schedule order;
    double total = 0;
    plan_hours(p, part);
    CALL(predict(p, &order));
    CALL(strbuf_printf(out, "\n%-10s %12s  basis\n", "stage", "core-hours"));
    for (int i = 0; i < PLAN_STAGES; i++) {
        double hours = part[i].seconds * p->seeds / 3600;
        total += hours;
        CALL(strbuf_printf(out, "%-10s %12.4f  %s\n", part[i].name, hours, part[i].basis));
    }
    CALL(strbuf_printf(out, "%-10s %12.4f  %d seed%s\n", "all", total, p->seeds,
                       p->seeds == 1 ? "" : "s"));
    CALL(strbuf_printf(out,
                       "fine-tuning on %d rank%s: %.1f minutes, %.1f %% of the ranks' time used\n",
                       p->ranks, p->ranks == 1 ? "" : "s", order.wall / 60, 100 * order.busy));
    return strbuf_printf(
        out, "measured in %.1f s on %d of %d layers: %.3g s a 1000 tokens, %.3g s an update\n",
        p->speed.seconds, p->speed.layers, p->shape.L, 1000 * p->speed.rates.token,
        p->speed.rates.update);
}

static err print_need(const char *what, const need *n, const study_plan *p, strbuf *out) {
    double all = need_total(n) + p->room.held;
    return strbuf_printf(
        out,
        "%-10s %8.3f: parameters %.3f, gradients %.3f, moments %.3f, activations %.3f (attention "
        "%.3f), other %.3f, held already %.3f\n",
        what, GIB * all, GIB * n->parameters, GIB * n->gradients, GIB * n->moments,
        GIB * n->activations, GIB * n->attention, GIB * n->other, GIB * p->room.held);
}

/* queries are a guess from the texts' lengths: what may not fit is said, and nothing is refused */
static err print_traces(const study_plan *p, const plan_trace *t, strbuf *out) {
    CALL(strbuf_printf(out,
                       "%-10s %8.3f: %.3g million recorded queries of %d attacks (models by "
                       "recipes), held already %.3f\n",
                       "attack", GIB * (t->memory + p->room.held), 1e-6 * t->queries, t->attacks,
                       GIB * p->room.held));
    if (t->memory + p->room.held > p->room.bytes)
        log_warning("the recorded queries of the attacks may not fit: set attack.trace: false, or "
                    "attack fewer examples");
    return OK;
}

static err print_memory(const study_plan *p, const plan_trace *t, strbuf *out) {
    const study *s = p->c->s;
    CALL(strbuf_printf(out, "\nmemory a rank, GiB\n"));
    if (s->pretrain.epochs > 0)
        CALL(print_need("pretrain", &p->pretrain, p, out));
    CALL(print_need("finetune", &p->finetune, p, out));
    CALL(plan_print_prune(p, out));
    CALL(print_traces(p, t, out));
    return strbuf_printf(out, "%-10s %8.3f: by %s, %d rank%s on this host\n", "there is",
                         GIB * p->room.bytes, p->room.by, p->room.ranks_here,
                         p->room.ranks_here == 1 ? "" : "s");
}

static err print_disk(const study_plan *p, const plan_trace *t, strbuf *out) {
    const study *s = p->c->s;
    double model = 4.0 * (double)encoder_count(&p->shape);
    int models =
        s->n_variants + 3 + s->prune.methods.n * (s->prune.sparsity.n + s->prune.patterns.n);
    int unfinished = p->ranks < s->n_variants ? p->ranks : s->n_variants;
    return strbuf_printf(
        out,
        "\ndisk, GiB: %.3f for %d models, up to %.3f for checkpoints on the way, %.3f for recorded "
        "queries\n",
        GIB * model * models * p->seeds, models * p->seeds, GIB * 4 * model * unfinished,
        GIB * t->disk * p->seeds);
}

err plan_print(const study_plan *p, strbuf *out) {
    plan_trace t;
    CALL(print_variants(p, out));
    CALL(say_twins(p->c->s, out));
    if (p->measured)
        CALL(print_hours(p, out));
    plan_traces(p, &t);
    CALL(print_memory(p, &t, out));
    return print_disk(p, &t, out);
}
