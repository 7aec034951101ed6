/* bpe_table.h: pieces and merges of a byte-level BPE as tables. Private to bpe. */
#ifndef ESPALIER_TEXT_BPE_TABLE_H
#define ESPALIER_TEXT_BPE_TABLE_H

#include "io/dictionary.h"
#include "text/bpe.h"

typedef struct bpe_merge {
    int32_t left, right, made; /* ids */
} bpe_merge;

/* a pair of ids and its rank + 1; 0: empty */
typedef struct bpe_slot {
    int32_t left, right, rank;
} bpe_slot;

struct bpe_table {
    dictionary *pieces; /* bytes of a piece → id */
    dictionary *names;  /* id → the piece as in vocab.json */
    bpe_merge *merge;   /* (n_merges) by rank */
    int32_t n_merges;
    bpe_slot *slot;    /* (slots) open addressing, at most half full */
    uint32_t slots;    /* a power of two */
    int32_t byte[256]; /* id of a byte, -1: not in the vocabulary */
    uint32_t *len;     /* (V) bytes of each piece, which may be NUL */
    uint8_t *whole;    /* (V) 1: merging its bytes makes this piece, so it need not be done again */
    size_t longest;    /* bytes of the longest piece */
};

/* where the search for a pair begins; the product's upper bits depend on both ids */
static inline uint32_t bpe_place(const struct bpe_table *t, int32_t left, int32_t right) {
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & (t->slots - 1);
}

/* rank of a pair, -1: it is not merged */
static inline int32_t bpe_rank(const struct bpe_table *t, int32_t left, int32_t right) {
    uint32_t i = bpe_place(t, left, right);
    for (; t->slot[i].rank; i = (i + 1) & (t->slots - 1))
        if (t->slot[i].left == left && t->slot[i].right == right)
            return t->slot[i].rank - 1;
    return -1;
}

/* Fill w->table, V and the special ids from w->path and merges (see bpe_open), all but `whole`. */
err bpe_table_read(bpe *w, const char *merges);
void bpe_table_free(struct bpe_table **t);

#endif
