#include "par/node_sum.h"

#include "par/shared.h"

#include <string.h>

enum {
    SHORT = 1 << 18, /* numbers that are not worth a block */
    BLOCK = 1 << 20, /* numbers in a node's block: it stays in the caches */
    BUFFERS = 2      /* taken in turns: a rank that has read waits for nobody */
};

typedef struct summing {
    par *pretended; /* a node that is none (tests) */
    shared *room;   // (BUFFERS, ranks of the node, piece)
    par *leaders;   /* first ranks of all nodes; NULL: this is none, or there is one node */
    int nodes;      /* 1: more than one */
    size_t piece;
} summing;

static int64_t *slot(const summing *s, int buffer, int rank) {
    size_t at = (size_t)buffer * (size_t)s->room->node->size + (size_t)rank;
    return (int64_t *)s->room->block + at * s->piece;
}

/* slot 0 of the buffer becomes the sum of all: n numbers, this rank's share of them */
static void add_share(const summing *s, int buffer, size_t n) {
    size_t ranks = (size_t)s->room->node->size, rank = (size_t)s->room->node->rank;
    size_t from = n * rank / ranks, end = n * (rank + 1) / ranks;
    int64_t *sum = slot(s, buffer, 0);
    for (int r = 1; r < s->room->node->size; r++) {
        const int64_t *x = slot(s, buffer, r);
        for (size_t i = from; i < end; i++)
            sum[i] += x[i];
    }
}

static err sum_piece(const summing *s, int buffer, int64_t *x, size_t n) {
    memcpy(slot(s, buffer, s->room->node->rank), x, n * sizeof *x);
    CALL(shared_sync(s->room));
    add_share(s, buffer, n);
    CALL(shared_sync(s->room));
    if (s->nodes) {
        if (s->leaders)
            CALL(par_sum_i64(s->leaders, slot(s, buffer, 0), n));
        CALL(shared_sync(s->room));
    }
    memcpy(x, slot(s, buffer, 0), n * sizeof *x);
    return OK;
}

static err make_room(const par *p, int nodes, summing *s) {
    const size_t bytes = BLOCK * sizeof(int64_t);
    if (nodes == 0)
        return shared_create(p, bytes, &s->room);
    CALL(par_split(p, p->rank % nodes, &s->pretended));
    return par_agree(p, shared_create(s->pretended, bytes, &s->room));
}

/* pieces of one length on all nodes; *most: ranks on the fullest */
static err begin(const par *p, int nodes, summing *s, int64_t *most) {
    CALL(make_room(p, nodes, s));
    *most = s->room->node->size;
    CALL(par_max_i64(p, most, 1));
    s->piece = BLOCK / BUFFERS / (size_t)*most;
    s->nodes = !par_all(p, s->room->node->size == p->size);
    return s->nodes ? par_split(p, par_first(s->room->node) ? 0 : -1, &s->leaders) : OK;
}

err node_sum_i64_as(const par *p, int64_t *x, size_t n, int nodes) {
    summing s = {0};
    int64_t most;
    int buffer = 0;
    err e;
    if (p->size == 1 || n < SHORT)
        return par_sum_i64(p, x, n);
    TRY(begin(p, nodes, &s, &most));
    if (most == 1 || s.piece == 0)
        TRY(par_sum_i64(p, x, n));
    else
        for (size_t at = 0; at < n; at += s.piece, buffer = !buffer)
            TRY(sum_piece(&s, buffer, x + at, n - at < s.piece ? n - at : s.piece));
done:
    par_close(&s.leaders);
    shared_destroy(&s.room);
    par_close(&s.pretended);
    return e;
}

err node_sum_i64(const par *p, int64_t *x, size_t n) {
    return node_sum_i64_as(p, x, n, 0);
}
