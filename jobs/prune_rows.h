/* prune_rows.h: the pruned models of a study, and the layers of those that went together as one
 * line of the journal. Not collective. */
#ifndef ESPALIER_JOBS_PRUNE_ROWS_H
#define ESPALIER_JOBS_PRUNE_ROWS_H

#include "context.h"

#include "base/strbuf.h"

/* c->pruned: every method with every sparsity and pattern, in the study's order; L: blocks. */
err prune_list(context *c, int L);

/* Layers of n models, by their numbers in c->pruned, as a record: rows (n) of counts (n) each. */
err prune_rows_write(const context *c, const int *model, int n, prune_layer *const *rows,
                     const int *counts, strbuf *record);
/* Such a record into c->pruned, where a name that is not there is passed over. ERR_DATA: not such a
 * line. */
err prune_rows_read(context *c, const char *record);

#endif
