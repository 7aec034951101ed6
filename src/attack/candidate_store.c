#include "attack/candidate_store.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    uint64_t key;
    const char **list; /* NULL: the entry is free */
    int n;
} entry;

struct candidate_store {
    arena *memory;
    size_t used, limit;
    entry *table;
    size_t size, count;
};

err candidate_store_create(size_t bytes, candidate_store **out) {
    candidate_store *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    TRY(arena_create(1 << 16, &s->memory));
    s->limit = bytes;
    s->size = 1024;
    TRY(mem_alloc(s->size, sizeof *s->table, &s->table));
    *out = s;
    s = NULL;
done:
    candidate_store_destroy(&s);
    return e;
}

void candidate_store_destroy(candidate_store **s) {
    if (!*s)
        return;
    arena_destroy(&(*s)->memory);
    free((*s)->table);
    free(*s);
    *s = NULL;
}

/* texts are hashed well; words of one lie apart by an odd constant (Knuth's multiplier) */
static uint64_t key_of(uint64_t text, int i) {
    return text + (uint64_t)i * 0x9E3779B97F4A7C15u;
}

static entry *find(const candidate_store *s, uint64_t key) {
    size_t at = key & (s->size - 1);
    while (s->table[at].list && s->table[at].key != key)
        at = (at + 1) & (s->size - 1);
    return &s->table[at];
}

int candidate_store_get(const candidate_store *s, uint64_t text, int i, const char *const **list,
                        int *n) {
    const entry *x = find(s, key_of(text, i));
    if (!x->list)
        return 0;
    *list = (const char *const *)x->list;
    *n = x->n;
    return 1;
}

static err grow(candidate_store *s) {
    entry *old = s->table;
    size_t n = s->size;
    s->table = NULL;
    err e = mem_alloc(2 * n, sizeof *s->table, &s->table);
    if (e != OK) {
        s->table = old;
        return e;
    }
    s->size = 2 * n;
    for (size_t i = 0; i < n; i++)
        if (old[i].list)
            *find(s, old[i].key) = old[i];
    free(old);
    return OK;
}

err candidate_store_put(candidate_store *s, uint64_t text, int i, const char *const *list, int n) {
    size_t bytes = 0;
    const char **copy;
    char *text_at;
    for (int k = 0; k < n; k++)
        bytes += strlen(list[k]) + 1;
    size_t need = bytes + ((size_t)n + 1) * sizeof *copy + 128; /* the arena aligns to 64 */
    if (s->used + need > s->limit)
        return OK;
    s->used += need;
    if (2 * (s->count + 1) > s->size)
        CALL(grow(s));
    CALL(arena_alloc(s->memory, (size_t)n + 1, sizeof *copy, &copy));
    CALL(arena_alloc(s->memory, bytes + 1, 1, &text_at));
    for (int k = 0; k < n; k++) {
        copy[k] = text_at;
        text_at += strlen(strcpy(text_at, list[k])) + 1;
    }
    entry *x = find(s, key_of(text, i));
    s->count += x->list == NULL;
    *x = (entry){key_of(text, i), copy, n};
    return OK;
}
