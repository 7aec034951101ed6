#include "attack/vector_cache.h"

#include "base/arena.h"
#include "base/key_table.h"

#include <stdlib.h>
#include <string.h>

/* one half: vectors in order of arrival */
typedef struct half {
    key_table number;
    float *v;   // (number.n, d)
    size_t cap; /* floats there is memory for */
} half;

struct vector_cache {
    size_t d;
    size_t limit; /* vectors of a half */
    half young, old;
};

err vector_cache_create(int d, size_t bytes, vector_cache **out) {
    vector_cache *c = NULL;
    CALL(mem_alloc(1, sizeof *c, &c));
    c->d = (size_t)d;
    const size_t n = bytes / 2 / (c->d * sizeof(float) + KEY_TABLE_BYTES);
    c->limit = n < 1 ? 1 : n > INT32_MAX / 8 ? INT32_MAX / 8 : n;
    *out = c;
    return OK;
}

static void half_free(half *h) {
    key_table_free(&h->number);
    free(h->v);
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

static err half_put(half *h, size_t d, uint64_t key, const float *v) {
    const size_t n = h->number.n;
    CALL(mem_grow((n + 1) * d, sizeof *v, &h->v, &h->cap));
    memcpy(h->v + n * d, v, d * sizeof *v);
    return key_table_add(&h->number, key, (int32_t)n);
}

/* the young half is full: what is in the old one goes, its memory serves the new young one */
static void change_places(vector_cache *c) {
    half gone = c->old;
    c->old = c->young;
    c->young = gone;
    key_table_clear(&c->young.number);
}

err vector_cache_put(vector_cache *c, uint64_t key, const float *v) {
    if (c->young.number.n == c->limit)
        change_places(c);
    return half_put(&c->young, c->d, key, v);
}

static const float *half_get(const half *h, size_t d, uint64_t key) {
    const int32_t number = key_table_find(&h->number, key);
    return number >= 0 ? h->v + (size_t)number * d : NULL;
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
    if (c->young.number.n < c->limit)
        (void)half_put(&c->young, c->d, key, v);
    return 1;
}
