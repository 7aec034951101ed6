/* queue.h: hands out units of work to ranks, one by one, in a given order.
 *
 * On one node the counter lies in memory that all ranks share: taking a unit is one atomic
 * addition. Over several nodes rank 0 keeps it and answers requests in a thread that sleeps in
 * between, so that rank 0 computes like every other rank. Where MPI offers no threads, rank 0
 * answers between its own units and the others wait for that: no collective between queue_open and
 * queue_close. */
#ifndef ESPALIER_PAR_QUEUE_H
#define ESPALIER_PAR_QUEUE_H

#include "par/par.h"

typedef struct queue queue;

typedef enum queue_way { QUEUE_SHARED, QUEUE_THREAD, QUEUE_BETWEEN } queue_way;

/* A queue over positions 0 .. n - 1. Collective. */
err queue_open(const par *p, int64_t n, queue **out);
/* The same, in a given way or the next one that this machine offers (tests). Collective. */
err queue_open_as(const par *p, int64_t n, queue_way way, queue **out);
/* Several lists in one: part k has positions 0 .. n[k] - 1, n (parts). Ranks may be at different
 * parts at one time. Collective. */
err queue_open_parts(const par *p, const int64_t *n, int parts, queue_way way, queue **out);
/* The next position, or -1: exhausted, stopped, or a stop was asked for on some rank (preempt.h).
 * Not collective. */
err queue_next(queue *q, int64_t *position);
err queue_next_of(queue *q, int part, int64_t *position);
/* Nothing more is handed out to anybody, of no part (a rank failed). Not collective. */
void queue_stop(queue *q);
/* Waits for all ranks; to be called whether or not queue_next failed. Collective. */
err queue_close(queue **q);

#endif
