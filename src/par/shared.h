/* shared.h: a block of memory that the ranks of one node hold once, together: what is large, read
 * by all and written once (the inverse Hessian of a wide layer).
 *
 * Where a node has no shared memory to give (none at all, or /dev/shm is full), every rank has a
 * block of its own and is a node of one rank: what uses a block need not know. */
#ifndef ESPALIER_PAR_SHARED_H
#define ESPALIER_PAR_SHARED_H

#include "par/par.h"

typedef struct shared_window shared_window;

typedef struct shared {
    void *block; // bytes; the same memory on all ranks of node, not initialised
    size_t bytes;
    par *node;             /* the ranks that see this block, in the order of their ranks */
    shared_window *window; /* NULL: the block is this rank's own */
} shared;

/* A block of at least one byte on every node of p. ERR_FAILED: no memory. The caller destroys, all
 * ranks of p together. Collective. */
err shared_create(const par *p, size_t bytes, shared **out);
/* The same with a block of its own for every rank (tests; the fallback). Collective. */
err shared_create_own(const par *p, size_t bytes, shared **out);
/* Collective over the node's ranks; NULL is allowed (on all of them). */
void shared_destroy(shared **s);

/* What any rank of the node has written, all of them see from here on. Collective over the node. */
err shared_sync(const shared *s);

#endif
