#include "sweep/cost.h"

cost_rates cost_assume(const encoder_config *c) {
    double H = c->H, linear = c->L * (4 * H * H + 2 * H * c->F);
    double block = (double)encoder_count(c);
    /* two operations a weight forward, four backward; the optimiser reads and writes seven floats a
     * parameter */
    return (cost_rates){
        .token = 6 * linear / 60e9, .update = 28 * block / 8e9, .evaluate = 2 * linear / 60e9};
}

static int64_t at_least_1(int64_t x) {
    return x > 0 ? x : 1;
}

int64_t cost_epoch_steps(const finetune_options *o, int n) {
    int64_t B = o->batch < n ? o->batch : n, sequences = B * at_least_1(o->accumulate);
    sequences = sequences < n ? sequences : n;
    return (n + sequences - 1) / sequences;
}

cost cost_variant(const cost_rates *r, const finetune_options *o, const examples *x,
                  int64_t heldout) {
    int64_t evaluations = 1, tokens = o->epochs * x->offset[x->n];
    cost c = {.steps = o->epochs * cost_epoch_steps(o, x->n),
              .tokens = tokens * at_least_1(o->adversarial_steps)};
    if (o->early_stop > 0)
        evaluations += o->evaluate_every > 0 ? c.steps / o->evaluate_every : o->epochs;
    c.seconds = r->token * (double)c.tokens + r->update * (double)c.steps +
                r->evaluate * (double)(evaluations * heldout);
    return c;
}

void cost_order(const double *seconds, int n, int64_t *order) {
    for (int i = 0; i < n; i++) {
        int j = i;
        while (j > 0 && seconds[order[j - 1]] < seconds[i]) {
            order[j] = order[j - 1];
            j--;
        }
        order[j] = i;
    }
}
