/* the tables of the averages: decisions, learned weights, barriers */
#include "report/table.h"

#include "eval/metrics.h"

#include <math.h>

/* "+2.0 ± 1.4" */
static err change_cell(grid *g, const store_soup *s) {
    if (isnan(s->difference))
        return grid_cell(g, "-");
    return grid_cell(g, "%+.1f ± %.1f", 100.0 * s->difference, 100.0 * s->difference_error);
}

static err pair_cell(grid *g, const store_soup *s) {
    return s->step == 0 ? grid_cell(g, "-")
                        : grid_cell(g, "%lld : %lld", (long long)s->gained, (long long)s->lost);
}

static err p_cell(grid *g, double p) {
    if (isnan(p))
        return grid_cell(g, "-");
    return p < 0.001 ? grid_cell(g, "< 0.001") : grid_cell(g, "%.3f", p);
}

err table_soup(const store_content *c, grid *g) {
    *g =
        (grid){.title = "Greedy average: every decision, in the order tried",
               .note = "Held-out, in %. Score of the average with the variant [95 % interval]; its "
                       "change ± standard error, paired by example;\n"
                       "  gained : lost: examples; p: McNemar's exact test. A near-tie: a change "
                       "within its standard error."};
    grid_column(g, 'r', "Step");
    grid_column(g, 'l', "Variant");
    grid_column(g, 'n', "Score");
    grid_column(g, 'n', "Change");
    grid_column(g, 'r', "Gained : lost");
    grid_column(g, 'r', "p");
    grid_column(g, 'r', "Acc");
    grid_column(g, 'r', "Aua");
    grid_column(g, 'l', "Decision");
    grid_column(g, 'l', "Why");
    for (size_t i = 0; i < c->n_soup; i++) {
        const store_soup *s = &c->soup[i];
        CALL(grid_cell(g, "%lld", (long long)s->step));
        CALL(grid_cell(g, "%s", s->variant));
        CALL(grid_interval(g, s->after, s->low, s->high));
        CALL(change_cell(g, s));
        CALL(pair_cell(g, s));
        CALL(p_cell(g, s->p));
        CALL(grid_percent(g, ratio(s->correct, s->n)));
        CALL(grid_percent(g, ratio(s->robust, s->attacked)));
        CALL(grid_cell(g, "%s", s->step == 0 ? "start" : s->accepted ? "kept" : "left out"));
        CALL(grid_cell(g, "%s", s->reason));
    }
    return OK;
}

err table_learned(const store_content *c, grid *g) {
    *g = (grid){.title = "Learned average: weights step by step",
                .note = "Loss: mean cross-entropy on the held-out examples, nats; step 0 is the "
                        "uniform average."};
    grid_column(g, 'r', "Step");
    grid_column(g, 'r', "Loss");
    grid_column(g, 'l', "Largest weight");
    grid_column(g, 'l', "Smallest weight");
    grid_column(g, 'l', "Chosen");
    for (size_t first = 0, end; first < c->n_learned; first = end) {
        const store_learned *most = &c->learned[first], *least = most;
        for (end = first; end < c->n_learned && c->learned[end].step == c->learned[first].step;
             end++) {
            if (c->learned[end].share > most->share)
                most = &c->learned[end];
            if (c->learned[end].share < least->share)
                least = &c->learned[end];
        }
        CALL(grid_cell(g, "%lld", (long long)most->step));
        CALL(grid_cell(g, "%.4f", most->loss));
        CALL(grid_cell(g, "%s %.3f", most->variant, most->share));
        CALL(grid_cell(g, "%s %.3f", least->variant, least->share));
        CALL(grid_cell(g, "%s", most->chosen ? "yes" : ""));
    }
    return OK;
}

err table_barriers(const store_content *c, grid *g) {
    *g = (grid){.title = "Loss barriers between variants",
                .note = "Barrier: highest rise of the held-out loss on the straight line between "
                        "two variants over the chord of their losses, nats (arXiv 1912.05671);\n"
                        "  at: share of the second one's weights there; Acc: lowest inside the "
                        "line, in %."};
    grid_column(g, 'l', "Variant");
    grid_column(g, 'l', "and");
    grid_column(g, 'r', "Barrier");
    grid_column(g, 'r', "at");
    grid_column(g, 'r', "Loss");
    grid_column(g, 'r', "Loss");
    grid_column(g, 'r', "Lowest Acc");
    for (size_t i = 0; i < c->n_barriers; i++) {
        const store_barrier *b = &c->barriers[i];
        CALL(grid_cell(g, "%s", b->first));
        CALL(grid_cell(g, "%s", b->second));
        CALL(grid_cell(g, "%.4f", b->height));
        CALL(grid_number(g, 2, b->height > 0.0 ? b->alpha : (double)NAN));
        CALL(grid_cell(g, "%.4f", b->loss_first));
        CALL(grid_cell(g, "%.4f", b->loss_second));
        CALL(grid_percent(g, ratio(b->fewest, b->n)));
    }
    return OK;
}

err table_comparisons(const store_content *c, grid *g) {
    *g = (grid){.title = "Against the best single variant, on the same reported examples",
                .note = "Difference in % points [95 % interval], paired by example; gained : lost: "
                        "examples that count for the model alone and for the best single alone;\n"
                        "  p: McNemar's exact test. A tie: within one standard error."};
    grid_column(g, 'l', "Model");
    grid_column(g, 'l', "Measure");
    grid_column(g, 'n', "Difference");
    grid_column(g, 'r', "Gained : lost");
    grid_column(g, 'r', "p");
    grid_column(g, 'l', "");
    for (size_t i = 0; i < c->n_comparisons; i++) {
        const store_comparison *r = &c->comparisons[i];
        CALL(grid_cell(g, "%s", r->title));
        CALL(grid_cell(g, "%s", r->measure[1] == 'c' ? "Acc" : "Aua"));
        CALL(grid_cell(g, "%+.1f [%+.1f, %+.1f]", 100.0 * r->difference, 100.0 * r->low,
                       100.0 * r->high));
        CALL(grid_cell(g, "%lld : %lld", (long long)r->gained, (long long)r->lost));
        CALL(p_cell(g, r->p));
        CALL(grid_cell(g, "%s", r->tie ? "tie" : ""));
    }
    return OK;
}
