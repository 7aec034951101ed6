#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, MAX_BLOCKS = 64, HUGE_PAGE = 2 << 20 };

/* Large pieces lie on huge pages where the system has some to give: a matrix of megabytes is read
 * by columns and panels, and every page of 4 KiB that it touches costs a walk of the page table. */
static void *aligned(size_t bytes) {
    void *p = NULL;
    int huge = bytes >= 2 * (size_t)HUGE_PAGE;
    if (posix_memalign(&p, huge ? HUGE_PAGE : ALIGN, bytes) != 0)
        return NULL;
    if (huge)
        (void)madvise(p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* else: small pages */
    return p;
}

struct arena {
    int n, current;
    size_t used; /* of the current block */
    size_t size[MAX_BLOCKS];
    unsigned char *block[MAX_BLOCKS];
};

static err product(size_t count, size_t size, size_t *out) {
    CHECK(!__builtin_mul_overflow(count, size, out) && *out <= PTRDIFF_MAX - ALIGN, ERR_FAILED,
          "cannot allocate %zu elements of %zu bytes: the size overflows", count, size);
    return OK;
}

/* the same in whole pieces of the alignment */
static err aligned_product(size_t count, size_t size, size_t *out) {
    CALL(product(count, size, out));
    *out = (*out + ALIGN - 1) / ALIGN * ALIGN;
    return OK;
}

static err add_block(arena *a, size_t bytes) {
    CHECK(a->n < MAX_BLOCKS, ERR_FAILED, "arena: more than %d blocks", (int)MAX_BLOCKS);
    unsigned char *p = aligned(bytes);
    CHECK(p, ERR_FAILED, "out of memory: %.1f MiB of scratch wanted", (double)bytes / 0x1p20);
    a->block[a->n] = p;
    a->size[a->n++] = bytes;
    return OK;
}

err arena_create(size_t bytes, arena **out) {
    arena *a = calloc(1, sizeof *a);
    CHECK(a, ERR_FAILED, "out of memory");
    err e = add_block(a, (bytes + ALIGN) / ALIGN * ALIGN);
    if (e != OK) {
        free(a);
        return e;
    }
    *out = a;
    return OK;
}

void arena_destroy(arena **a) {
    if (!*a)
        return;
    for (int i = 0; i < (*a)->n; i++)
        free((*a)->block[i]);
    free(*a);
    *a = NULL;
}

err arena_alloc(arena *a, size_t count, size_t size, void *out) {
    size_t bytes;
    CALL(aligned_product(count, size, &bytes));
    while (a->used + bytes > a->size[a->current]) {
        if (a->current + 1 == a->n) {
            size_t twice = 2 * a->size[a->current];
            CALL(add_block(a, bytes > twice ? bytes : twice));
        }
        a->current++;
        a->used = 0;
    }
    void *p = a->block[a->current] + a->used;
    a->used += bytes;
    memcpy(out, &p, sizeof p);
    return OK;
}

arena_mark arena_here(const arena *a) {
    return (arena_mark){a->current, a->used};
}

void arena_release(arena *a, arena_mark mark) {
    a->current = mark.block;
    a->used = mark.used;
}

err mem_alloc(size_t count, size_t size, void *out) {
    size_t bytes;
    CALL(aligned_product(count, size, &bytes));
    void *p = aligned(bytes ? bytes : ALIGN);
    CHECK(p, ERR_FAILED, "out of memory: %.1f MiB wanted", (double)bytes / 0x1p20);
    memset(p, 0, bytes);
    memcpy(out, &p, sizeof p);
    return OK;
}

err mem_resize(size_t count, size_t size, void *array) {
    size_t bytes;
    void *old, *p;
    CALL(product(count, size, &bytes));
    memcpy(&old, array, sizeof old);
    p = realloc(old, bytes ? bytes : 1);
    CHECK(p, ERR_FAILED, "out of memory: %.1f MiB wanted", (double)bytes / 0x1p20);
    memcpy(array, &p, sizeof p);
    return OK;
}

err mem_grow(size_t wanted, size_t size, void *array, size_t *capacity) {
    if (wanted <= *capacity)
        return OK;
    size_t twice = 2 * *capacity, cap = wanted > twice ? wanted : twice;
    CALL(mem_resize(cap, size, array));
    *capacity = cap;
    return OK;
}
