/* node_sum.h: exact sums of long arrays over ranks of which several share a node.
 *
 * Piece by piece every rank lays down what it has in a block that the node holds once, adds up a
 * share of the piece for all of them and takes the whole; between the nodes one rank of each does
 * as par_sum_i64. For two ranks of a node that takes a third to a fifth of the time of MPI's own
 * all-reduce, which copies what it sends through small pieces of shared memory. */
#ifndef ESPALIER_PAR_NODE_SUM_H
#define ESPALIER_PAR_NODE_SUM_H

#include "par/par.h"

/* The same as par_sum_i64, which short arrays and ranks that are alone on their nodes are left to.
 * ERR_FAILED: no memory. Collective. */
err node_sum_i64(const par *p, int64_t *x, size_t n);
/* The same, as if the ranks were dealt out to so many nodes (tests); 0: as they are. Collective. */
err node_sum_i64_as(const par *p, int64_t *x, size_t n, int nodes);

#endif
