/* runs.h: every rank has a run of work of its own, and when that is done takes from the runs of the
 * ranks that share its node, where most is left. Nobody waits for a rank that began late or is
 * slower. No signal stops it (queue.h): what was begun is finished. */
#ifndef ESPALIER_PAR_RUNS_H
#define ESPALIER_PAR_RUNS_H

#include "par/par.h"

typedef struct runs runs;

/* This rank's run is positions first to end - 1. The caller closes. Collective. */
err runs_open(const par *p, int64_t first, int64_t end, runs **out);
/* The next position, -1: nothing is left on this node. Not collective. */
int64_t runs_next(runs *r);
/* Nothing more of any run of this node is handed out (a rank failed). Not collective. */
void runs_stop(runs *r);
/* Collective over the node's ranks; NULL is allowed (on all of them). */
void runs_close(runs **r);

#endif
