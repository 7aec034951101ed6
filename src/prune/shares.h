/* shares.h: how a model's sparsity is spread over its linear layers. */
#ifndef ESPALIER_PRUNE_SHARES_H
#define ESPALIER_PRUNE_SHARES_H

#include "prune/prune.h"
#include "prune/way.h"

/* The share of its weights that each linear is to lose: share (6 L), in execution order.
 *
 * uniform: the sparsity for all (magnitude-global: what one threshold for all of them gives). file:
 * read from j->allocation_file, and refused where all together do not remove the sparsity, to one
 * percent of the weights. error: the least sum over linears of the relative output error that j's
 * method makes on the dense model's own inputs, for at least that many weights removed: SHARES
 * shares around the sparsity are tried in one pass over the model, and a dynamic program chooses
 * (allocation.h). how: to factor, as linalg.h takes it. ERR_DATA, ERR_IO: the file. Collective over
 * j->p. */
enum { SHARES = 9 };
err shares_make(const prune_job *j, const way *w, const char *how, double *share);

#endif
