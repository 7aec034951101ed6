/* core-hours of the stages: from the measured speed of training and scoring, and from how much of
 * it there is */
#include "plan.h"

#include "attack/result.h"
#include "store/store.h"

#include <string.h>

/* Queries an attack makes for a token of its text: about 4 on short reviews, 12 on news (a query is
 * the text once more). */
static const double QUERIES = 7;

/* bytes of a query in a line of the journal: trace.h */
static const double TRACE_LINE = 28 * 4 / 3.0;

static double weights(const encoder_config *c) {
    double H = c->H;
    return c->L * (4 * H * H + 2 * H * c->F);
}

static int models(const study *s) {
    return 4 + s->prune.methods.n * (s->prune.sparsity.n + s->prune.patterns.n);
}

/* Every query that is recorded stays in memory until the report is written, on every rank: as it
 * was attacked, as a row to write, and as a row read back; lists of rows grow by doubling, so that
 * a quarter of them is unused on average. On disk: the row and its line in the journal. */
void plan_traces(const study_plan *p, plan_trace *out) {
    const study *s = p->c->s;
    const examples *x = &p->c->xtest;
    const double tokens = (double)x->offset[x->n] * p->c->attacked.n / x->n;
    out->attacks = models(s) * (1 + s->attack.recipes.n);
    out->queries = s->attack.trace ? out->attacks * QUERIES * tokens : 0;
    out->memory = out->queries * (sizeof(attack_query) + 2 * 1.5 * sizeof(store_query));
    out->disk = out->queries * (sizeof(store_query) + TRACE_LINE);
}

/* forward passes of a whole attack on n examples with so many tokens */
static double attack_seconds(const study_plan *p, const examples *x, double share) {
    double squares = 0;
    for (int i = 0; i < x->n; i++) {
        double length = (double)(x->offset[i + 1] - x->offset[i]);
        squares += length * length;
    }
    return QUERIES * squares * share * p->speed.rates.evaluate;
}

static double pretrain_seconds(const study_plan *p) {
    const pretrain_options *o = &p->c->s->pretrain;
    const encoder_config *c = &p->shape;
    double head = o->mask * ((double)c->H * c->V + (double)c->H * c->H);
    double steps = (double)p->corpus_texts / (double)o->batch;
    return (double)o->epochs *
           ((double)p->corpus_tokens * p->speed.rates.token * (1 + head / weights(c)) +
            steps * p->speed.rates.update);
}

void plan_hours(const study_plan *p, plan_stage out[PLAN_STAGES]) {
    const study *s = p->c->s;
    double finetune = 0, probe = (double)p->c->probe.n / p->c->xheldout.n;
    double reported = (double)p->c->attacked.n / p->c->xtest.n;
    for (int i = 0; i < s->n_variants; i++)
        finetune += p->seconds[i];
    int candidates = 2 * s->n_variants;
    const plan_stage stages[PLAN_STAGES] = {
        {"pretrain", "measured, its head by arithmetic", pretrain_seconds(p)},
        {"finetune", "measured", finetune},
        {"soup", "measured; 7 queries a token, every variant tried twice",
         candidates * attack_seconds(p, &p->c->xheldout, probe)},
        {"prune", "by arithmetic", plan_prune_seconds(p, weights(&p->shape))},
        {"attack", "measured; 7 queries a token",
         models(s) * (1 + s->attack.recipes.n) * attack_seconds(p, &p->c->xtest, reported)}};
    memcpy(out, stages, sizeof stages);
}
