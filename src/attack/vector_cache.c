#include "attack/vector_cache.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* one half: a flat table by key, of vectors in order of arrival */
typedef struct half {
    int32_t n, cap; /* vectors, and memory for so many */
    float *v;       /* (cap, d) */
    uint64_t *key;  /* (cap) */
    int32_t *slot;  /* (slots) number + 1, 0: empty */
    int32_t slots;  /* a power of two, at least 2 cap */
} half;

struct vector_cache {
    size_t d;
    int32_t limit; /* vectors of a half */
    half young, old;
};

err vector_cache_create(int d, size_t bytes, vector_cache **out) {
    vector_cache *c = NULL;
    CALL(mem_alloc(1, sizeof *c, &c));
    c->d = (size_t)d;
    /* a vector, its key, and two to four slots of the table */
    size_t n = bytes / 2 / (c->d * sizeof(float) + sizeof(uint64_t) + 4 * sizeof(int32_t));
    c->limit = n < 1 ? 1 : n > INT32_MAX / 8 ? INT32_MAX / 8 : (int32_t)n;
    *out = c;
    return OK;
}

static void half_free(half *h) {
    free(h->v);
    free(h->key);
    free(h->slot);
    *h = (half){0};
}

void vector_cache_destroy(vector_cache **c) {
    if (!*c)
        return;
    half_free(&(*c)->young);
    half_free(&(*c)->old);
    free(*c);
    *c = NULL;
}

/* the slot of key, or the empty one where it would stand; keys are hashes already */
static int32_t place(const half *h, uint64_t key) {
    int32_t mask = h->slots - 1, i = (int32_t)(key & (uint64_t)mask);
    while (h->slot[i] && h->key[h->slot[i] - 1] != key)
        i = (i + 1) & mask;
    return i;
}

static err half_grow(half *h, size_t d, int32_t limit) {
    int32_t cap = h->cap ? 2 * h->cap : 256, slots = 2;
    if (cap > limit)
        cap = limit;
    while (slots < 2 * cap)
        slots *= 2;
    float *v = realloc(h->v, (size_t)cap * d * sizeof *v + 1);
    CHECK(v, ERR_FAILED, "out of memory: %d vectors of similarity", cap);
    h->v = v;
    uint64_t *key = realloc(h->key, (size_t)cap * sizeof *key);
    CHECK(key, ERR_FAILED, "out of memory: %d vectors of similarity", cap);
    h->key = key;
    int32_t *slot;
    CALL(mem_alloc((size_t)slots, sizeof *slot, &slot));
    free(h->slot);
    h->slot = slot;
    h->slots = slots;
    h->cap = cap;
    for (int32_t k = 0; k < h->n; k++)
        h->slot[place(h, h->key[k])] = k + 1;
    return OK;
}

static err half_put(half *h, size_t d, int32_t limit, uint64_t key, const float *v) {
    if (h->n == h->cap)
        CALL(half_grow(h, d, limit));
    memcpy(h->v + (size_t)h->n * d, v, d * sizeof *v);
    h->key[h->n++] = key;
    h->slot[place(h, key)] = h->n;
    return OK;
}

/* the young half is full: what is in the old one goes, its memory serves the new young one */
static void change_places(vector_cache *c) {
    half gone = c->old;
    c->old = c->young;
    c->young = gone;
    c->young.n = 0;
    if (c->young.slots > 0)
        memset(c->young.slot, 0, (size_t)c->young.slots * sizeof *c->young.slot);
}

err vector_cache_put(vector_cache *c, uint64_t key, const float *v) {
    if (c->young.n == c->limit)
        change_places(c);
    return half_put(&c->young, c->d, c->limit, key, v);
}

static const float *half_get(const half *h, size_t d, uint64_t key) {
    int32_t number = h->slots > 0 ? h->slot[place(h, key)] : 0;
    return number ? h->v + (size_t)(number - 1) * d : NULL;
}

int vector_cache_get(vector_cache *c, uint64_t key, float *v) {
    const float *kept = half_get(&c->young, c->d, key);
    if (kept) {
        memcpy(v, kept, c->d * sizeof *v);
        return 1;
    }
    kept = half_get(&c->old, c->d, key);
    if (!kept)
        return 0;
    memcpy(v, kept, c->d * sizeof *v);
    /* moved while there is room; memory that runs out here only costs another computation later */
    if (c->young.n < c->limit)
        (void)half_put(&c->young, c->d, c->limit, key, v);
    return 1;
}
