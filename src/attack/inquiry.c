#include "attack/inquiry.h"

#include "base/arena.h"
#include "io/hash.h"

#include <stdlib.h>
#include <string.h>

void inquiry_begin(inquiry *q, int K) {
    if (q->K != K) {
        free(q->p);
        q->p = NULL;
        q->cap = 0;
    }
    q->K = K;
    q->n = q->sent = q->answered = q->first = 0;
    if (q->slots)
        memset(q->at, 0, (size_t)q->slots * sizeof *q->at);
}

void inquiry_free(inquiry *q) {
    free(q->p);
    free(q->ids);
    free(q->offset);
    free(q->key);
    free(q->at);
    *q = (inquiry){0};
}

/* p: address of a pointer, whose block becomes one of this many bytes */
static err enlarge(void *p, size_t bytes) {
    void *old, *block;
    memcpy(&old, p, sizeof old);
    block = realloc(old, bytes);
    CHECK(block, ERR_FAILED, "out of memory: %zu bytes of an attack's questions", bytes);
    memcpy(p, &block, sizeof block);
    return OK;
}

/* the slot of this key: where it is or where it would go */
static int slot_of(const inquiry *q, uint64_t key) {
    int i = (int)(key & (uint64_t)(q->slots - 1));
    while (q->at[i] && q->key[i] != key)
        i = (i + 1) & (q->slots - 1);
    return i;
}

static err grow_table(inquiry *q) {
    inquiry old = *q;
    q->slots = old.slots ? 2 * old.slots : 256;
    q->key = NULL;
    q->at = NULL;
    err e = mem_alloc((size_t)q->slots, sizeof *q->key, &q->key);
    if (e == OK)
        e = mem_alloc((size_t)q->slots, sizeof *q->at, &q->at);
    if (e != OK) {
        free(q->key);
        *q = old;
        return e;
    }
    for (int i = 0; i < old.slots; i++)
        if (old.at[i]) {
            int to = slot_of(q, old.key[i]);
            q->key[to] = old.key[i];
            q->at[to] = old.at[i];
        }
    free(old.at);
    free(old.key);
    return OK;
}

/* behind the sequences that wait; when none does, the ids of old ones go */
static err keep_ids(inquiry *q, const int32_t *ids, int n) {
    if (!inquiry_waits(q))
        q->first = q->n;
    int waiting = q->n - q->first;
    if (waiting + 2 > q->cap_offset) {
        q->cap_offset = 2 * (waiting + 2);
        CALL(enlarge(&q->offset, (size_t)q->cap_offset * sizeof *q->offset));
    }
    if (waiting == 0)
        q->offset[0] = 0;
    int64_t used = q->offset[waiting];
    if (used + n > q->cap_ids) {
        q->cap_ids = 2 * (used + n);
        CALL(enlarge(&q->ids, (size_t)q->cap_ids * sizeof *q->ids));
    }
    memcpy(q->ids + used, ids, (size_t)n * sizeof *ids);
    q->offset[waiting + 1] = used + n;
    return OK;
}

err inquiry_ask(inquiry *q, const int32_t *ids, int n, int *sequence) {
    uint64_t key = hash_u64(ids, (size_t)n * sizeof *ids);
    if (2 * (q->n + 1) > q->slots)
        CALL(grow_table(q));
    int slot = slot_of(q, key);
    if (q->at[slot]) {
        *sequence = q->at[slot] - 1;
        return OK;
    }
    CALL(keep_ids(q, ids, n));
    if (q->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 64;
        CALL(enlarge(&q->p, (size_t)q->cap * (size_t)q->K * sizeof *q->p));
    }
    q->key[slot] = key;
    q->at[slot] = q->n + 1;
    *sequence = q->n++;
    return OK;
}

const int32_t *inquiry_next(const inquiry *q, int *n) {
    int i = q->sent - q->first;
    *n = (int)(q->offset[i + 1] - q->offset[i]);
    return q->ids + q->offset[i];
}
