#include "attack/candidate_store.h"

#include "base/arena.h"
#include "base/key_table.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char **list;
    int n;
} entry;

struct candidate_store {
    arena *memory;
    size_t used, limit;
    key_table number;
    entry *list; // (number.n)
    size_t cap;
};

err candidate_store_create(size_t bytes, candidate_store **out) {
    candidate_store *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    TRY(arena_create(1 << 16, &s->memory));
    s->limit = bytes;
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
    key_table_free(&(*s)->number);
    free((*s)->list);
    free(*s);
    *s = NULL;
}

/* texts are hashed well; words of one lie apart by an odd constant (Knuth's multiplier) */
static uint64_t key_of(uint64_t text, int i) {
    return text + (uint64_t)i * 0x9E3779B97F4A7C15u;
}

int candidate_store_get(const candidate_store *s, uint64_t text, int i, const char *const **list,
                        int *n) {
    const int32_t k = key_table_find(&s->number, key_of(text, i));
    if (k < 0)
        return 0;
    *list = (const char *const *)s->list[k].list;
    *n = s->list[k].n;
    return 1;
}

err candidate_store_put(candidate_store *s, uint64_t text, int i, const char *const *list, int n) {
    size_t bytes = 0;
    const char **copy;
    char *text_at;
    for (int k = 0; k < n; k++)
        bytes += strlen(list[k]) + 1;
    size_t need = bytes + ((size_t)n + 1) * sizeof *copy + 128; /* the arena aligns to 64 */
    const size_t number = s->number.n;
    if (s->used + need > s->limit || key_table_find(&s->number, key_of(text, i)) >= 0)
        return OK;
    s->used += need;
    CALL(mem_grow(number + 1, sizeof *s->list, &s->list, &s->cap));
    CALL(arena_alloc(s->memory, (size_t)n + 1, sizeof *copy, &copy));
    CALL(arena_alloc(s->memory, bytes + 1, 1, &text_at));
    for (int k = 0; k < n; k++) {
        copy[k] = text_at;
        text_at += strlen(strcpy(text_at, list[k])) + 1;
    }
    s->list[number] = (entry){copy, n};
    return key_table_add(&s->number, key_of(text, i), (int32_t)number);
}
