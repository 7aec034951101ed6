/* seeds.h: the tables of a study's repetitions as one. Not collective. */
#ifndef ESPALIER_REPORT_SEEDS_H
#define ESPALIER_REPORT_SEEDS_H

#include "store/store.h"

/* Add to out the models of all repetitions each[0 .. n - 1], /datasets of the first, and /seeds:
 * mean and standard deviation of every cell of the table. A row of the table is a role: the best
 * single variant of one seed may be another variant than that of the next. Where single variants
 * are listed too, the best one counts among them under its name. */
err seeds_add(const store_content *each, int n, store_content *out);

#endif
