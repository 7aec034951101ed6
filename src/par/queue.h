/* queue.h: hands out units of work to ranks, one by one, in a given order.
 *
 * Rank 0 keeps the counter in a service thread of its own (a few wake-ups a millisecond while the
 * queue is open), so that it computes like every other rank and nobody waits for it. */
#ifndef ESPALIER_PAR_QUEUE_H
#define ESPALIER_PAR_QUEUE_H

#include "par/par.h"

typedef struct queue queue;

/* A queue over positions 0 .. n - 1. Collective. */
err queue_open(const par *p, int64_t n, queue **out);
/* The next position, or -1: exhausted, stopped, or a stop was asked for on some rank (preempt.h).
 * Not collective. */
err queue_next(queue *q, int64_t *position);
/* Nothing more is handed out to anybody (a rank failed). Not collective. */
void queue_stop(queue *q);
/* Waits for all ranks. Collective. */
err queue_close(queue **q);

#endif
