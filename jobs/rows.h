/* rows.h: what the stages found, as rows of the store. */
#ifndef ESPALIER_JOBS_ROWS_H
#define ESPALIER_JOBS_ROWS_H

#include "context.h"

#include "io/dictionary.h"
#include "report/report.h"

/* Every table of the store. rows_soup: /soup, /learned, /barriers, /lines; rows_score: of a variant
 * its scores and its part in the averages; rows_models: /layers, /models; rows_attacks: /attacks,
 * /queries, /changes, /texts, /transfer; rows_run: /timings and /provenance, which differ from run
 * to run. */
err rows_fill(store_content *s, const context *c);
err rows_options(store_content *s, const study *of);
err rows_soup(store_content *s, const context *c);
void rows_score(store_variant *r, const context *c, int v);
err rows_comparisons(store_content *s, const context *c);
err rows_attacks(store_content *s, const context *c);
/* Of one example: a text in pieces below its hash, once (seen: texts that are there); its queries;
 * its changed words, of row `number` of /attacks. */
err rows_text(store_content *s, dictionary *seen, const char *text, int64_t *hash);
err rows_queries(store_content *s, const attack_result *a);
err rows_changes(store_content *s, const attack_result *a, int32_t number);
err rows_models(store_content *s, const context *c);
err rows_run(store_content *s, const context *c);

#endif
