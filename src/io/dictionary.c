#include "io/dictionary.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct dictionary {
    arena *keys;
    int32_t n, cap;
    const char **key; /* (cap) */
    uint32_t *len;    /* (cap) bytes of each key */
    uint32_t slots;   /* a power of two, above 2 n */
    int32_t *slot;    /* (slots) number + 1, 0: empty */
};

/* FNV-1a */
static uint32_t hash(const char *s, size_t n) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h ^ h >> 15;
}

err dictionary_create(dictionary **out) {
    dictionary *d = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *d, &d));
    TRY(arena_create(1 << 14, &d->keys));
    d->slots = 1024;
    TRY(mem_alloc(d->slots, sizeof *d->slot, &d->slot));
    *out = d;
    d = NULL;
done:
    dictionary_destroy(&d);
    return e;
}

void dictionary_destroy(dictionary **d) {
    if (!*d)
        return;
    arena_destroy(&(*d)->keys);
    free((*d)->key);
    free((*d)->len);
    free((*d)->slot);
    free(*d);
    *d = NULL;
}

static uint32_t place(const dictionary *d, const char *key, size_t n) {
    uint32_t i = hash(key, n) & (d->slots - 1);
    for (; d->slot[i]; i = (i + 1) & (d->slots - 1)) {
        int32_t k = d->slot[i] - 1;
        if (d->len[k] == n && memcmp(d->key[k], key, n) == 0)
            break;
    }
    return i;
}

static err grow(dictionary *d) {
    if (d->n == d->cap) {
        int32_t cap = d->cap ? 2 * d->cap : 512;
        CALL(mem_resize((size_t)cap, sizeof *d->key, &d->key));
        CALL(mem_resize((size_t)cap, sizeof *d->len, &d->len));
        d->cap = cap;
    }
    if (2 * ((uint32_t)d->n + 1) <= d->slots)
        return OK;
    int32_t *slot;
    CALL(mem_alloc(2 * (size_t)d->slots, sizeof *slot, &slot));
    free(d->slot);
    d->slot = slot;
    d->slots *= 2;
    for (int32_t k = 0; k < d->n; k++)
        d->slot[place(d, d->key[k], d->len[k])] = k + 1;
    return OK;
}

err dictionary_add(dictionary *d, const char *key, size_t n, int32_t *number, int *fresh) {
    CALL(grow(d));
    uint32_t i = place(d, key, n);
    *fresh = d->slot[i] == 0;
    if (*fresh) {
        char *text;
        CALL(arena_alloc(d->keys, n + 1, 1, &text));
        memcpy(text, key, n);
        text[n] = '\0';
        d->key[d->n] = text;
        d->len[d->n] = (uint32_t)n;
        d->slot[i] = ++d->n;
    }
    *number = d->slot[i] - 1;
    return OK;
}

int32_t dictionary_find(const dictionary *d, const char *key, size_t n) {
    return d->slot[place(d, key, n)] - 1;
}

const char *dictionary_key(const dictionary *d, int32_t number) {
    return d->key[number];
}

int32_t dictionary_count(const dictionary *d) {
    return d->n;
}
