/* neighbour_index.h: words and their neighbours in one compact file, read at once.
 *
 * All numbers little-endian:
 *
 *   bytes 0 … 127   "ESPNEAR\n", uint32 version (1), uint32 0x01020304, uint64 words, uint64 pairs,
 *                   uint64 bytes of the words, uint64 bytes of the provenance, SHA-256 of
 * everything from byte 128 on (64 hex digits), zeros uint32 (words + 1)   where each word begins
 * among the bytes of the words; filled up to 8 bytes uint32 (words + 1)   its first pair; filled up
 * to 8 bytes pairs                uint32 number of the neighbour, float32 cosine (NaN: the source
 * gave none) the words            each ended by NUL, all different the provenance       a JSON
 * object, ended by NUL: sources with SHA-256 and sizes, and settings
 *
 * 65,713 words with 50 neighbours each are 26 MiB. Not collective. */
#ifndef ESPALIER_ATTACK_NEIGHBOUR_INDEX_H
#define ESPALIER_ATTACK_NEIGHBOUR_INDEX_H

#include "attack/nearest.h"
#include "io/dictionary.h"

#include <stddef.h>

typedef struct neighbour_index {
    char *bytes; /* owned: the file */
    uint32_t words;
    uint64_t pairs;
    const uint32_t *word_at; /* (words + 1) into text */
    const uint32_t *first;   /* (words + 1) into pair */
    const nearest_one *pair; /* (pairs) */
    const char *text, *provenance;
} neighbour_index;

/* 1 if path begins as an index does. */
int neighbour_index_is(const char *path);
/* ERR_DATA: not an index, of another version, cut off, longer than it says, damaged (its SHA-256
 * differs), numbers out of range; the message says how to make it again. Caller closes. */
err neighbour_index_open(const char *path, neighbour_index *out);
void neighbour_index_close(neighbour_index *x);

static inline const char *neighbour_index_word(const neighbour_index *x, uint32_t i) {
    return x->text + x->word_at[i];
}

/* Neighbours of each word of a dictionary: count (words) and list (words) of them. */
typedef struct neighbour_lists {
    const dictionary *words;
    const int32_t *count;
    nearest_one *const *list;
} neighbour_lists;
/* Write them to path, whole or not at all; provenance: JSON. */
err neighbour_index_write(const char *path, const neighbour_lists *l, const char *provenance);

#endif
