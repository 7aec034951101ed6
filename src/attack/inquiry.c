#include "attack/inquiry.h"

#include "base/arena.h"
#include "io/hash.h"

#include <stdlib.h>
#include <string.h>

void inquiry_begin(inquiry *q, int K) {
    q->K = K;
    q->n = q->sent = q->answered = q->first = 0;
    key_table_clear(&q->sequence);
}

void inquiry_free(inquiry *q) {
    free(q->p);
    free(q->ids);
    free(q->offset);
    key_table_free(&q->sequence);
    *q = (inquiry){0};
}

/* behind the sequences that wait; when none does, the ids of old ones go */
static err keep_ids(inquiry *q, const int32_t *ids, int n) {
    if (!inquiry_waits(q))
        q->first = q->n;
    int waiting = q->n - q->first;
    CALL(mem_grow((size_t)waiting + 2, sizeof *q->offset, &q->offset, &q->cap_offset));
    if (waiting == 0)
        q->offset[0] = 0;
    int64_t used = q->offset[waiting];
    CALL(mem_grow((size_t)(used + n), sizeof *q->ids, &q->ids, &q->cap_ids));
    memcpy(q->ids + used, ids, (size_t)n * sizeof *ids);
    q->offset[waiting + 1] = used + n;
    return OK;
}

err inquiry_ask(inquiry *q, const int32_t *ids, int n, int *sequence) {
    uint64_t key = hash_u64(ids, (size_t)n * sizeof *ids);
    *sequence = key_table_find(&q->sequence, key);
    if (*sequence >= 0)
        return OK;
    CALL(keep_ids(q, ids, n));
    CALL(mem_grow((size_t)(q->n + 1) * (size_t)q->K, sizeof *q->p, &q->p, &q->cap_p));
    CALL(key_table_add(&q->sequence, key, q->n));
    *sequence = q->n++;
    return OK;
}

const int32_t *inquiry_next(const inquiry *q, int *n) {
    int i = q->sent - q->first;
    *n = (int)(q->offset[i + 1] - q->offset[i]);
    return q->ids + q->offset[i];
}
