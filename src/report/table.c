#include "report/table.h"

#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "61.0 (61/100)" */
static err count_cell(grid *g, int64_t k, int64_t n) {
    if (n == 0)
        return grid_cell(g, "-");
    return grid_cell(g, "%.1f (%lld/%lld)", 100.0 * ratio(k, n), (long long)k, (long long)n);
}

static err model_cells(const store_model *m, int chosen, int seed, grid *g) {
    const int64_t attacked = m->success + m->failed + m->errored;
    CALL(grid_cell(g, "%s", m->title));
    if (seed)
        CALL(grid_cell(g, "%lld", (long long)m->seed));
    CALL(grid_cell(g, "%.4g %%", 100.0 * m->sparsity));
    CALL(grid_cell(g, "%.2f M", (double)m->weights / 1e6));
    CALL(grid_cell(g, "%lld", (long long)m->n));
    CALL(grid_interval(g, m->acc, m->acc_low, m->acc_high));
    CALL(grid_interval(g, m->aua, m->aua_low, m->aua_high));
    CALL(grid_interval(g, m->asr, m->asr_low, m->asr_high));
    CALL(grid_number(g, 1, ratio(m->queries, attacked)));
    CALL(grid_percent(g, ratio(m->changed, m->words)));
    return chosen ? grid_cell(g, "%s", m->chosen) : OK;
}

err table_models(const store_content *c, int chosen, grid *g) {
    *g = (grid){
        .title = "Accuracy, accuracy under attack and attack success rate, in %",
        .note = "Acc = correct / n, Aua = failed attacks / n, Asr = successes / (successes + "
                "failures); [ ]: Wilson 95 % interval.\n"
                "  #Param: prunable weights kept. Queries: mean over the examples right before the "
                "attack.\n"
                "  Changed: words replaced, of the words of the successes."};
    const int repeated = c->n_seeds > 0;
    grid_column(g, 'l', "Model");
    if (repeated)
        grid_column(g, 'r', "Seed");
    grid_column(g, 'r', "Sparsity");
    grid_column(g, 'r', "#Param");
    grid_column(g, 'r', "n");
    grid_column(g, 'n', "Acc");
    grid_column(g, 'n', "Aua");
    grid_column(g, 'n', "Asr");
    grid_column(g, 'r', "Queries");
    grid_column(g, 'r', "Changed %");
    if (chosen)
        grid_column(g, 'l', "Chosen by");
    for (size_t i = 0; i < c->n_models; i++)
        CALL(model_cells(&c->models[i], chosen, repeated, g));
    return OK;
}

/* "84.2 ± 0.7", without a deviation where there is one seed */
static err spread_cell(grid *g, const store_seed *s) {
    const double scale = strcmp(s->unit, "fraction") == 0 ? 100.0 : 1.0;
    if (isnan(s->mean))
        return grid_cell(g, "-");
    if (isnan(s->sd))
        return grid_cell(g, "%.1f", scale * s->mean);
    return grid_cell(g, "%.1f ± %.1f", scale * s->mean, scale * s->sd);
}

static err seed_row(const store_content *c, size_t first, size_t end, grid *g) {
    static const char *const measures[] = {"acc", "aua", "asr", "queries", "changed"};
    const store_seed *row = &c->seeds[first];
    CALL(grid_cell(g, "%s", row->model));
    CALL(grid_cell(g, "%.4g %%", 100.0 * row->sparsity));
    CALL(grid_cell(g, "%.2f M", (double)row->weights / 1e6));
    CALL(grid_cell(g, "%lld", (long long)row->seeds));
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        const store_seed *s = NULL;
        for (size_t k = first; k < end; k++)
            if (strcmp(c->seeds[k].measure, measures[i]) == 0)
                s = &c->seeds[k];
        CALL(s ? spread_cell(g, s) : grid_cell(g, "-"));
    }
    return OK;
}

err table_seeds(const store_content *c, grid *g) {
    *g = (grid){.title = "Over seeds: mean ± standard deviation, in %",
                .note = "Deviation of the sample (n - 1) over the repetitions of the study; the "
                        "examples are the same in all.\n"
                        "  A best single or an average may be another one in each repetition."};
    grid_column(g, 'l', "Model");
    grid_column(g, 'r', "Sparsity");
    grid_column(g, 'r', "#Param");
    grid_column(g, 'r', "Seeds");
    grid_column(g, 'n', "Acc");
    grid_column(g, 'n', "Aua");
    grid_column(g, 'n', "Asr");
    grid_column(g, 'n', "Queries");
    grid_column(g, 'n', "Changed %");
    for (size_t first = 0, end; first < c->n_seeds; first = end) {
        end = first + 1;
        while (end < c->n_seeds && strcmp(c->seeds[end].model, c->seeds[first].model) == 0)
            end++;
        CALL(seed_row(c, first, end, g));
    }
    return OK;
}

/* "61.0 ± 4.9": a score and its standard error */
static err score_cell(grid *g, double score, double error) {
    return isnan(score) ? grid_cell(g, "-")
                        : grid_cell(g, "%.1f ± %.1f", 100.0 * score, 100.0 * error);
}

static err variant_cells(const store_variant *v, int learned, grid *g) {
    static const char *const mark[] = {"", "yes"};
    CALL(grid_cell(g, "%s", v->name));
    CALL(grid_cell(g, "%s", v->init));
    CALL(grid_cell(g, "%g", v->learning_rate));
    CALL(grid_cell(g, "%lld", (long long)v->epochs));
    CALL(grid_cell(g, "%lld", (long long)v->batch));
    CALL(grid_cell(g, "%g", v->weight_decay));
    CALL(grid_cell(g, "%lld", (long long)v->seed));
    CALL(grid_cell(g, "%s", v->status));
    CALL(grid_number(g, 3, v->last_loss));
    CALL(count_cell(g, v->heldout_correct, v->heldout_n));
    CALL(count_cell(g, v->robust_count, v->robust_n));
    CALL(score_cell(g, v->score, v->score_error));
    CALL(grid_cell(g, "%s", mark[v->in_uniform != 0]));
    CALL(grid_cell(g, "%s", mark[v->in_greedy != 0]));
    if (learned)
        CALL(grid_number(g, 3, v->learned));
    return grid_cell(g, "%s", mark[v->best != 0]);
}

err table_variants(const store_content *c, grid *g) {
    *g = (grid){.title = "Fine-tuned variants",
                .note = "Acc, Aua and score in % on the held-out part of the training set, never "
                        "on the reported examples; score ± its standard error."};
    const int learned = c->n_learned > 0;
    grid_column(g, 'l', "Variant");
    grid_column(g, 'l', "Start");
    grid_column(g, 'r', "Rate");
    grid_column(g, 'r', "Epochs");
    grid_column(g, 'r', "Batch");
    grid_column(g, 'r', "Decay");
    grid_column(g, 'r', "Seed");
    grid_column(g, 'l', "Status");
    grid_column(g, 'r', "Loss");
    grid_column(g, 'n', "Acc");
    grid_column(g, 'n', "Aua");
    grid_column(g, 'n', "Score");
    grid_column(g, 'l', "Uniform");
    grid_column(g, 'l', "Greedy");
    if (learned)
        grid_column(g, 'r', "Learned");
    grid_column(g, 'l', "Best");
    for (size_t i = 0; i < c->n_variants; i++)
        CALL(variant_cells(&c->variants[i], learned, g));
    return OK;
}

/* rows first … end - 1 of /layers are one model's; the head, from which nothing is removed, does
 * not count */
static err layer_cells(const store_content *c, size_t first, size_t end, grid *g) {
    const store_layer *worst = NULL;
    double sum = 0.0;
    int64_t n = 0, removed = 0, weights = 0, retries = 0;
    for (const store_layer *l = c->layers + first; l < c->layers + end; l++) {
        retries += l->retries;
        if (l->removed == 0)
            continue;
        n++;
        removed += l->removed;
        weights += l->outputs * l->inputs;
        sum += l->error;
        if (!worst || l->error > worst->error)
            worst = l;
    }
    CALL(grid_cell(g, "%s", c->layers[first].model));
    CALL(grid_cell(g, "%lld", (long long)n));
    CALL(grid_percent(g, ratio(removed, weights)));
    CALL(grid_number(g, 4, n ? sum / (double)n : (double)NAN));
    CALL(grid_number(g, 4, worst ? worst->error : (double)NAN));
    CALL(worst ? grid_cell(g, "%lld.%s", (long long)worst->layer, worst->linear)
               : grid_cell(g, "-"));
    CALL(grid_cell(g, "%lld", (long long)retries));
    return grid_cell(g, "%s", c->layers[first].factorisation);
}

err table_layers(const store_content *c, grid *g) {
    *g = (grid){.title = "Pruned layers",
                .note =
                    "Error: |Y - W X^|^2 / |Y|^2 of a layer's output on the calibration tokens.\n"
                    "  Retries: factorisations repeated with more damping."};
    grid_column(g, 'l', "Model");
    grid_column(g, 'r', "Layers");
    grid_column(g, 'r', "Removed %");
    grid_column(g, 'r', "Mean error");
    grid_column(g, 'r', "Max error");
    grid_column(g, 'l', "at");
    grid_column(g, 'r', "Retries");
    grid_column(g, 'l', "Factorisation");
    for (size_t first = 0, end; first < c->n_layers; first = end) {
        end = first + 1;
        while (end < c->n_layers && strcmp(c->layers[end].model, c->layers[first].model) == 0)
            end++;
        CALL(layer_cells(c, first, end, g));
    }
    return OK;
}

err table_data(const store_content *c, grid *g) {
    *g = (grid){.title = "Data", .note = "Cut: examples longer than the maximum length."};
    grid_column(g, 'l', "Data set");
    grid_column(g, 'l', "Part");
    grid_column(g, 'r', "Rows");
    grid_column(g, 'r', "Classes");
    grid_column(g, 'r', "Tokens");
    grid_column(g, 'r', "Cut");
    grid_column(g, 'l', "SHA-256");
    for (size_t i = 0; i < c->n_datasets; i++) {
        const store_dataset *d = &c->datasets[i];
        CALL(grid_cell(g, "%s", d->name));
        CALL(grid_cell(g, "%s", d->split));
        CALL(grid_cell(g, "%lld", (long long)d->rows));
        CALL(grid_cell(g, "%lld", (long long)d->classes));
        CALL(grid_cell(g, "%lld", (long long)d->tokens));
        CALL(grid_cell(g, "%lld", (long long)d->cut));
        CALL(grid_cell(g, "%.12s", d->sha256));
    }
    return OK;
}

err table_pretraining(const store_content *c, grid *g) {
    *g = (grid){.title = "Pre-training",
                .note = "Loss: masked-language, nat a token, held-out text."};
    grid_column(g, 'r', "Steps");
    grid_column(g, 'r', "Tokens");
    grid_column(g, 'r', "Loss before");
    grid_column(g, 'r', "Loss after");
    grid_column(g, 'l', "Status");
    for (size_t i = 0; i < c->n_pretraining; i++) {
        const store_pretraining *t = &c->pretraining[i];
        CALL(grid_cell(g, "%lld", (long long)t->steps));
        CALL(grid_cell(g, "%lld", (long long)t->tokens));
        CALL(grid_number(g, 3, t->heldout_first));
        CALL(grid_number(g, 3, t->heldout_last));
        CALL(grid_cell(g, "%s", t->diverged ? "diverged" : "done"));
    }
    return OK;
}

err table_options(const store_content *c, grid *g) {
    *g = (grid){.title = "Configuration", .note = ""};
    grid_column(g, 'l', "Option");
    grid_column(g, 'l', "Value");
    grid_column(g, 'l', "Unit");
    grid_column(g, 'l', "Meaning");
    for (size_t i = 0; i < c->n_options; i++) {
        const store_option *o = &c->options[i];
        /* where the study lies is no part of it: the same study elsewhere has the same page */
        if (strcmp(o->name, "directory") == 0)
            continue;
        CALL(grid_cell(g, "%s%s%s", o->section, o->section[0] ? "." : "", o->name));
        CALL(grid_cell(g, "%s", o->value));
        CALL(grid_cell(g, "%s", o->unit));
        CALL(grid_cell(g, "%s", o->help));
    }
    return OK;
}

const char *table_study(const store_content *c) {
    for (size_t i = 0; i < c->n_options; i++)
        if (strcmp(c->options[i].section, "study") == 0 && strcmp(c->options[i].name, "name") == 0)
            return c->options[i].value;
    return "study";
}
