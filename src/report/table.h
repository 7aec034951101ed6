/* table.h: the tables of a study as grids, from the rows of its store. Not collective. The caller
 * frees with grid_free; a part that the study does not have gives a grid without rows. */
#ifndef ESPALIER_REPORT_TABLE_H
#define ESPALIER_REPORT_TABLE_H

#include "report/grid.h"
#include "store/store.h"

/* Acc / Aua / Asr of every model; chosen = 1: with a column that says how it was chosen. */
err table_models(const store_content *c, int chosen, grid *out);
/* The counts of every model, and what other programs would print of them (eval/metrics.h). */
err table_conventions(const store_content *c, grid *out);
/* Every model by every recipe, where a study has more than one. */
err table_recipes(const store_content *c, grid *out);
/* Which adversarial texts fool which models, as a matrix; of many models the first. */
err table_transfer(const store_content *c, grid *out);
/* Mean and standard deviation over the seeds of a repeated study. */
err table_seeds(const store_content *c, grid *out);
err table_variants(const store_content *c, grid *out);
err table_soup(const store_content *c, grid *out); /* every decision of the greedy average */
err table_learned(const store_content *c, grid *out);
err table_barriers(const store_content *c, grid *out);
/* models of the table against the best single variant, paired by example */
err table_comparisons(const store_content *c, grid *out);
err table_layers(const store_content *c, grid *out); /* one row a pruned model */
err table_drift(const store_content *c, grid *out);  /* a pruned model on one kind of text */
err table_curves(const store_content *c, grid *out); /* sparsity, size of calibration */
err table_data(const store_content *c, grid *out);
err table_pretraining(const store_content *c, grid *out);
err table_options(const store_content *c, grid *out);

/* Name of the study, "study" where the store does not say. */
const char *table_study(const store_content *c);

#endif
