/* report.h: the tables of a study, from its store to text, Markdown, LaTeX, CSV and one HTML page.
 *
 * The report computes nothing: counts, shares and intervals come from the store; percentages are
 * rounded here. Same content, same bytes: /timings and /provenance, which differ from run to run,
 * stay in study.h5. Not collective. */
#ifndef ESPALIER_REPORT_REPORT_H
#define ESPALIER_REPORT_REPORT_H

#include "eval/metrics.h"
#include "store/store.h"

/* Fill the counts of a row, and the shares and Wilson intervals that follow from them. */
void report_counts(store_model *row, const attack_counts *c);

/* Append what a terminal shows: data, variants, soup, pruned layers and the Acc / Aua / Asr table.
 */
err report_text(const store_content *c, strbuf *out);

/* Write dir/table.md, table.tex, table.csv and index.html, each whole or not at all; dir is made if
 * need be. Of a repeated study table.tex is the table over seeds, and its cells are seeds.csv too.
 * ERR_IO: cannot be written. */
err report_write(const store_content *c, const char *dir);

#endif
