#include "base/key_table.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

/* where key is or would go */
static size_t slot_of(const key_table *t, uint64_t key) {
    size_t i = key & (t->slots - 1);
    while (t->value[i] && t->key[i] != key)
        i = (i + 1) & (t->slots - 1);
    return i;
}

int32_t key_table_find(const key_table *t, uint64_t key) {
    return t->slots ? t->value[slot_of(t, key)] - 1 : -1;
}

static err grow(key_table *t) {
    key_table more = {.slots = t->slots ? 2 * t->slots : FIRST_SLOTS, .n = t->n};
    err e;
    TRY(mem_alloc(more.slots, sizeof *more.key, &more.key));
    TRY(mem_alloc(more.slots, sizeof *more.value, &more.value));
    for (size_t i = 0; i < t->slots; i++)
        if (t->value[i]) {
            const size_t to = slot_of(&more, t->key[i]);
            more.key[to] = t->key[i];
            more.value[to] = t->value[i];
        }
    key_table_free(t);
    *t = more;
    more = (key_table){0};
done:
    key_table_free(&more);
    return e;
}

err key_table_add(key_table *t, uint64_t key, int32_t number) {
    if (2 * (t->n + 1) > t->slots)
        CALL(grow(t));
    const size_t i = slot_of(t, key);
    t->key[i] = key;
    t->value[i] = number + 1;
    t->n++;
    return OK;
}

void key_table_clear(key_table *t) {
    t->n = 0;
    if (t->slots)
        memset(t->value, 0, t->slots * sizeof *t->value);
}

void key_table_free(key_table *t) {
    free(t->key);
    free(t->value);
    *t = (key_table){0};
}
