#include "sweep/cost.h"

cost_rates cost_assume(const encoder_config *c) {
    double H = c->H, linear = c->L * (4 * H * H + 2 * H * c->F);
    double block = (double)encoder_count(c);
    /* two operations a weight forward, four backward; the optimiser reads and writes seven floats a
     * parameter */
    return (cost_rates){
        .token = 6 * linear / 60e9, .update = 28 * block / 8e9, .evaluate = 2 * linear / 60e9};
}

cost cost_variant(const cost_rates *r, const finetune_options *o, const examples *x,
                  int64_t heldout) {
    int64_t micro = (x->n + o->batch - 1) / o->batch;
    cost c = {.steps = o->epochs * micro, .tokens = o->epochs * x->offset[x->n]};
    c.seconds =
        r->token * (double)c.tokens + r->update * (double)c.steps + r->evaluate * (double)heldout;
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
