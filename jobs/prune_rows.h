/* prune_rows.h: the pruned models of a study, and the layers of one as one line of the journal. Not
 * collective. */
#ifndef ESPALIER_JOBS_PRUNE_ROWS_H
#define ESPALIER_JOBS_PRUNE_ROWS_H

#include "context.h"

#include "base/strbuf.h"

/* c->pruned: every method with every sparsity and pattern, in the study's order; L: blocks. */
err prune_list(context *c, int L);

err prune_rows_write(const prune_layer *rows, int n, strbuf *record);
/* *n: room in rows, then how many there are. ERR_DATA: not such a line. */
err prune_rows_read(const char *record, prune_layer *rows, int *n);

#endif
