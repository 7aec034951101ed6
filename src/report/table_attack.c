/* tables of the attack beside the main one: counts and conventions */
#include "report/table.h"

#include "eval/metrics.h"

#include <math.h>

static attack_counts counts_of(const store_model *m) {
    return (attack_counts){.n = m->n,
                           .correct = m->correct,
                           .success = m->success,
                           .failed = m->failed,
                           .errored = m->errored,
                           .queries = m->queries,
                           .changed = m->changed,
                           .words = m->words,
                           .shares = m->shares,
                           .similarity = m->similarity,
                           .tested = m->tested};
}

static err share_cell(grid *g, int64_t k, int64_t n) {
    const interval i = wilson(k, n);
    return grid_interval(g, ratio(k, n), i.low, i.high);
}

static err recipe_cells(const store_recipe *r, grid *g) {
    const attack_counts c = {.success = r->success,
                             .similarity = r->similarity,
                             .tested = r->tested,
                             .shares = r->shares};
    const int64_t ended = r->success + r->failed, attacked = ended + r->errored;
    CALL(grid_cell(g, "%s", r->title));
    CALL(grid_cell(g, "%s", r->recipe));
    CALL(grid_cell(g, "%lld", (long long)r->n));
    CALL(grid_percent(g, ratio(r->correct, r->n)));
    CALL(share_cell(g, r->failed, r->n));
    CALL(share_cell(g, r->success, ended));
    CALL(grid_number(g, 1, ratio(r->queries, attacked)));
    CALL(grid_percent(g, ratio(r->changed, r->words)));
    CALL(grid_number(g, 3, metrics_similarity(&c)));
    return grid_cell(g, "%lld", (long long)r->errored);
}

err table_recipes(const store_content *c, grid *g) {
    *g = (grid){.title = "By recipe: Acc, Aua and Asr in %",
                .note = "Queries: mean over the examples right before the attack. Changed: words "
                        "replaced, of the words of the successes.\n"
                        "  Similarity: mean of the successes' lowest accepted one, by the recipe's "
                        "own measure."};
    if (c->n_recipes == c->n_models)
        return OK;
    grid_column(g, 'l', "Model");
    grid_column(g, 'l', "Recipe");
    grid_column(g, 'r', "n");
    grid_column(g, 'r', "Acc");
    grid_column(g, 'n', "Aua");
    grid_column(g, 'n', "Asr");
    grid_column(g, 'r', "Queries");
    grid_column(g, 'r', "Changed %");
    grid_column(g, 'r', "Similarity");
    grid_column(g, 'r', "Errored");
    for (size_t i = 0; i < c->n_recipes; i++)
        CALL(recipe_cells(&c->recipes[i], g));
    return OK;
}

static err range_cell(grid *g, interval share) {
    if (isnan(share.low))
        return grid_cell(g, "-");
    return grid_cell(g, "%.1f to %.1f", 100.0 * share.low, 100.0 * share.high);
}

static err convention_cells(const store_model *m, grid *g) {
    const attack_counts c = counts_of(m);
    const convention textattack = metrics_convention(&c, CONVENTION_TEXTATTACK),
                     textfooler = metrics_convention(&c, CONVENTION_TEXTFOOLER),
                     openattack = metrics_convention(&c, CONVENTION_OPENATTACK);
    const int64_t kinds[] = {c.n, c.n - c.success - c.failed - c.errored, c.success, c.failed,
                             c.errored};
    CALL(grid_cell(g, "%s", m->title));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CALL(grid_cell(g, "%lld", (long long)kinds[i]));
    CALL(grid_percent(g, textattack.asr.low));
    CALL(grid_percent(g, textfooler.aua));
    CALL(range_cell(g, openattack.asr));
    CALL(grid_percent(g, textattack.changed));
    return grid_number(g, 3, metrics_similarity(&c));
}

err table_conventions(const store_content *c, grid *g) {
    *g = (grid){
        .title = "Counts, and what other programs print of them, in %",
        .note = "TextAttack: successes / (successes + failures). TextFooler's code: right after "
                "the attack / n.\n"
                "  OpenAttack attacks the skipped (wrong) examples too: between none and all of "
                "them succeed.\n"
                "  Changed: mean of the successes' own shares (TextAttack, TextFooler, "
                "OpenAttack). Similarity: mean of their lowest accepted one."};
    grid_column(g, 'l', "Model");
    grid_column(g, 'r', "n");
    grid_column(g, 'r', "Skipped");
    grid_column(g, 'r', "Success");
    grid_column(g, 'r', "Failed");
    grid_column(g, 'r', "Errored");
    grid_column(g, 'r', "TextAttack Asr");
    grid_column(g, 'r', "TextFooler Aua");
    grid_column(g, 'r', "OpenAttack Asr");
    grid_column(g, 'r', "Changed %");
    grid_column(g, 'r', "Similarity");
    for (size_t i = 0; i < c->n_models; i++)
        CALL(convention_cells(&c->models[i], g));
    return OK;
}

/* "62.5", of the examples of one pair; "-" where the second gets none of the originals right */
static err pair_cell(const store_content *c, size_t a, size_t b, grid *g) {
    const store_transfer *t = &c->transfer[a * c->n_models + b];
    return grid_percent(g, ratio(t->fooled, t->right));
}

err table_transfer(const store_content *c, grid *g) {
    static const char *const number[] = {"1", "2", "3",  "4",  "5",  "6", "7",
                                         "8", "9", "10", "11", "12", "13"};
    enum { MOST = sizeof number / sizeof *number };
    const size_t n = c->n_models;
    *g = (grid){.title = "Transfer: adversarial texts made on a row's model, tried on a column's",
                .note = "In % of those whose original the column's model gets right: as changed it "
                        "gets them wrong. Made: successes.\n"
                        "  Columns have the numbers of the rows; /transfer has every pair."};
    if (c->n_transfer != n * n) /* not asked for, or a repeated study */
        return OK;
    grid_column(g, 'r', "");
    grid_column(g, 'l', "Made on");
    grid_column(g, 'r', "Made");
    for (size_t b = 0; b < n && b < MOST; b++)
        grid_column(g, 'r', number[b]);
    for (size_t a = 0; a < n; a++) {
        CALL(grid_cell(g, "%zu", a + 1));
        CALL(grid_cell(g, "%s", c->models[a].title));
        CALL(grid_cell(g, "%lld", (long long)c->transfer[a * n].made));
        for (size_t b = 0; b < n && b < MOST; b++)
            CALL(pair_cell(c, a, b, g));
    }
    return OK;
}
