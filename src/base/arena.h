/* arena.h: scratch memory that is taken in order and given back by mark.
 *
 * Grows by blocks; a release keeps the blocks, so a loop that marks and releases allocates nothing
 * after its first turn. Every piece is aligned to 64 bytes. */
#ifndef ESPALIER_BASE_ARENA_H
#define ESPALIER_BASE_ARENA_H

#include "base/err.h"

#include <stddef.h>

typedef struct arena arena;

typedef struct arena_mark {
    int block;
    size_t used;
} arena_mark;

err arena_create(size_t bytes, arena **out); /* first block; the caller destroys */
void arena_destroy(arena **a);               /* NULL is allowed */

/* Uninitialised memory of count * size bytes; ERR_FAILED when there is none left or it overflows.
 */
err arena_alloc(arena *a, size_t count, size_t size, void *out);

arena_mark arena_here(const arena *a);
void arena_release(arena *a, arena_mark mark); /* everything taken since mark is free again */

/* Zeroed and 64-byte aligned memory outside an arena; freed with free(). out: address of a pointer.
 */
err mem_alloc(size_t count, size_t size, void *out);

/* An array of memory outside an arena becomes count * size bytes long: it keeps what it had, what
 * is new is uninitialised, the alignment is malloc's. array: address of a pointer, of NULL at
 * first; on an error it is as it was. */
err mem_resize(size_t count, size_t size, void *array);

/* The same for one that elements are put behind, one after the other: nothing to do when wanted
 * elements fit into *capacity, else it becomes at least twice as long. */
err mem_grow(size_t wanted, size_t size, void *array, size_t *capacity);

#endif
