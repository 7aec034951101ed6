#include "train/reduce.h"

#include "base/arena.h"
#include "train/clip.h"

#include <stdlib.h>
#include <string.h>

/* elements of a range that are exchanged at a time */
enum { CHUNK = 1 << 18 };

/* one node's gradient */
typedef struct block {
    float *x;      // (n)
    int32_t *rows; // (V) word embeddings that may not be 0, in no order; NULL: any
    char *touched; // (V) 1: in rows
    int n_rows;
    shard_node node;
} block;

struct reducer {
    const par *p;
    size_t n, words;  /* elements in all, and of the word embeddings, which come first */
    int V, H, sparse; /* rows and columns of the word embeddings */
    int most;         /* shards of a step */
    block *blocks;    // (room) the first n_blocks hold nodes, ascending
    int room, n_blocks;
    int shards, next;         /* of this step; this rank's next */
    size_t *first;            // (ranks + 1) the ranges
    float *sum;               // (range) of several ranks
    float *chunks;            // (most, CHUNK) one of each node
    double *squares;          // (ceil(n / CLIP_BLOCK))
    par_message *send, *recv; // (most * ranks)
};

/* blocks that a rank needs at once for `shards` shards: its nodes so far and the shard at hand */
static int blocks_needed(int shards, int size, int rank) {
    int begin = shards_begin(shards, size, rank), end = shards_begin(shards, size, rank + 1);
    int most = 0;
    shard_node nodes[SHARDS_MAX];
    for (int s = begin; s < end; s++) {
        int n = shards_nodes(shards, begin, s, nodes) + 1;
        most = n > most ? n : most;
    }
    return most;
}

static err blocks_create(reducer *r) {
    for (int s = 1; s <= r->most; s++) {
        int n = blocks_needed(s, r->p->size, r->p->rank);
        r->room = n > r->room ? n : r->room;
    }
    CALL(mem_alloc((size_t)r->room + 1, sizeof *r->blocks, &r->blocks));
    for (int i = 0; i < r->room; i++) {
        CALL(mem_alloc(r->n, sizeof *r->blocks[i].x, &r->blocks[i].x));
        if (!r->sparse)
            continue;
        CALL(mem_alloc((size_t)r->V, sizeof *r->blocks[i].rows, &r->blocks[i].rows));
        CALL(mem_alloc((size_t)r->V, 1, &r->blocks[i].touched));
    }
    return OK;
}

static err ranks_create(reducer *r) {
    size_t size = (size_t)r->p->size, parts = (r->n + CLIP_BLOCK - 1) / CLIP_BLOCK;
    CALL(mem_alloc(size + 1, sizeof *r->first, &r->first));
    CALL(mem_alloc(parts, sizeof *r->squares, &r->squares));
    for (size_t q = 0; q < size; q++)
        r->first[q] = parts * q / size * CLIP_BLOCK;
    r->first[size] = r->n;
    if (size == 1)
        return OK;
    size_t first, n, messages = (size_t)r->most * size + size;
    reducer_range(r, &first, &n);
    CALL(mem_alloc(n + 1, sizeof *r->sum, &r->sum));
    CALL(mem_alloc((size_t)r->most * CHUNK, sizeof *r->chunks, &r->chunks));
    CALL(mem_alloc(messages, sizeof *r->send, &r->send));
    return mem_alloc(messages, sizeof *r->recv, &r->recv);
}

err reducer_create(const par *p, const encoder_config *c, int shards, int sparse, reducer **out) {
    reducer *r = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *r, &r));
    r->p = p;
    r->n = encoder_count(c);
    r->V = c->V;
    r->H = c->H;
    r->words = (size_t)c->V * (size_t)c->H;
    r->sparse = sparse;
    r->most = shards < 1 ? 1 : shards > SHARDS_MAX ? SHARDS_MAX : shards;
    TRY(blocks_create(r));
    TRY(ranks_create(r));
    *out = r;
    r = NULL;
done:
    reducer_destroy(&r);
    return e;
}

void reducer_destroy(reducer **rr) {
    reducer *r = *rr;
    if (r == NULL)
        return;
    for (int i = 0; r->blocks != NULL && i < r->room; i++) {
        free(r->blocks[i].x);
        free(r->blocks[i].rows);
        free(r->blocks[i].touched);
    }
    free(r->blocks);
    free(r->first);
    free(r->sum);
    free(r->chunks);
    free(r->squares);
    free(r->send);
    free(r->recv);
    free(r);
    *rr = NULL;
}

const par *reducer_par(const reducer *r) {
    return r->p;
}

void reducer_range_of(const reducer *r, int rank, size_t *first, size_t *n) {
    *first = r->first[rank];
    *n = r->first[rank + 1] - r->first[rank];
}

void reducer_range(const reducer *r, size_t *first, size_t *n) {
    reducer_range_of(r, r->p->rank, first, n);
}

/* --- this rank's shards ----------------------------------------------------------------------- */

static void block_clear(const reducer *r, block *b) {
    size_t width = (size_t)r->H, dense = r->sparse ? r->words : 0;
    for (int i = 0; i < b->n_rows; i++) {
        memset(b->x + (size_t)b->rows[i] * width, 0, width * sizeof *b->x);
        b->touched[b->rows[i]] = 0;
    }
    b->n_rows = 0;
    memset(b->x + dense, 0, (r->n - dense) * sizeof *b->x);
}

static void block_touch(block *b, int32_t row) {
    if (!b->touched[row]) {
        b->touched[row] = 1;
        b->rows[b->n_rows++] = row;
    }
}

static void add(float *restrict x, const float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

/* A row that is left out is 0 in y, and adding that would change nothing: no sum that began at +0
 * is -0. */
static void block_add(const reducer *r, block *x, const block *y) {
    size_t width = (size_t)r->H, dense = r->sparse ? r->words : 0;
    for (int i = 0; i < y->n_rows; i++) {
        size_t at = (size_t)y->rows[i] * width;
        block_touch(x, y->rows[i]);
        add(x->x + at, y->x + at, width);
    }
    add(x->x + dense, y->x + dense, r->n - dense);
}

int reducer_begin(reducer *r, int shards, int *end) {
    int begin = shards_begin(shards, r->p->size, r->p->rank);
    *end = shards_begin(shards, r->p->size, r->p->rank + 1);
    r->shards = shards;
    r->n_blocks = 0;
    r->next = begin;
    return begin;
}

float *reducer_open(reducer *r) {
    block *b = &r->blocks[r->n_blocks++];
    block_clear(r, b);
    b->node = (shard_node){r->next, r->next + 1};
    r->next++;
    return b->x;
}

void reducer_touch(reducer *r, const int32_t *ids, int T) {
    for (int t = 0; r->sparse && t < T; t++)
        block_touch(&r->blocks[r->n_blocks - 1], ids[t]);
}

void reducer_close(reducer *r) {
    while (r->n_blocks > 1) {
        block *a = &r->blocks[r->n_blocks - 2], *b = a + 1;
        if (!shards_siblings(r->shards, a->node, b->node))
            return;
        block_add(r, a, b);
        a->node.end = b->node.end;
        r->n_blocks--;
    }
}

/* --- over the ranks --------------------------------------------------------------------------- */

/* The nodes of every rank and, of those of other ranks, what this one gets into its chunks. */
typedef struct meeting {
    shard_node nodes[2 * SHARDS_MAX]; /* ascending: rank by rank */
    int n;
    int next; /* node to add */
} meeting;

/* The part of rank q's range that chunk c is: *at from the block's start; 0: none is left. */
static size_t chunk_of(const reducer *r, int q, size_t c, size_t *at) {
    size_t first, n;
    reducer_range_of(r, q, &first, &n);
    *at = first + c * CHUNK;
    return c * CHUNK >= n ? 0 : n - c * CHUNK < CHUNK ? n - c * CHUNK : CHUNK;
}

/* Exchange chunk c of every range: r->chunks (nodes, CHUNK) gets this rank's. */
static err meet(reducer *r, size_t c, meeting *k) {
    int sends = 0, recvs = 0, size = r->p->size;
    size_t at, mine = chunk_of(r, r->p->rank, c, &at);
    k->n = 0;
    for (int q = 0; q < size; q++) {
        int begin = shards_begin(r->shards, size, q), end = shards_begin(r->shards, size, q + 1);
        int n = shards_nodes(r->shards, begin, end, k->nodes + k->n);
        for (int i = 0; i < n && mine > 0; i++) {
            float *to = r->chunks + (size_t)(k->n + i) * CHUNK;
            if (q == r->p->rank)
                memcpy(to, r->blocks[i].x + at, mine * sizeof *to);
            else
                r->recv[recvs++] = (par_message){q, to, mine * sizeof *to};
        }
        k->n += n;
    }
    for (int q = 0; q < size; q++) {
        size_t theirs = chunk_of(r, q, c, &at);
        for (int i = 0; i < r->n_blocks && q != r->p->rank && theirs > 0; i++)
            r->send[sends++] = (par_message){q, r->blocks[i].x + at, theirs * sizeof(float)};
    }
    return par_exchange(r->p, r->send, sends, r->recv, recvs);
}

/* Add the chunks (n) of a node of the tree up, in its order, into the first of them. */
static float *combine(reducer *r, meeting *k, shard_node want, size_t n) {
    shard_node have = k->nodes[k->next];
    if (have.begin == want.begin && have.end == want.end)
        return r->chunks + (size_t)k->next++ * CHUNK;
    int mid = shards_divide(want);
    float *x = combine(r, k, (shard_node){want.begin, mid}, n);
    float *y = combine(r, k, (shard_node){mid, want.end}, n);
    add(x, y, n);
    return x;
}

err reducer_sum(reducer *r, float **sum) {
    *sum = r->p->size == 1 ? r->blocks[0].x : r->sum;
    if (r->p->size == 1)
        return OK;
    size_t longest = 0, at;
    for (int q = 0; q < r->p->size; q++) {
        size_t n = r->first[q + 1] - r->first[q];
        longest = n > longest ? n : longest;
    }
    for (size_t c = 0; c * CHUNK < longest; c++) {
        meeting k = {0};
        CALL(meet(r, c, &k));
        size_t n = chunk_of(r, r->p->rank, c, &at);
        if (n > 0)
            memcpy(r->sum + c * CHUNK, combine(r, &k, (shard_node){0, r->shards}, n),
                   n * sizeof *r->sum);
    }
    return OK;
}

const char *reducer_rows(const reducer *r) {
    return r->sparse && r->p->size == 1 ? r->blocks[0].touched : NULL;
}

/* of each CLIP_BLOCK of this rank's range; rows that were not touched are not read */
static void own_squares(reducer *r, const float *sum, size_t first, size_t n) {
    const char *touched = reducer_rows(r);
    size_t at =
        touched != NULL ? clip_rows(r->squares, sum, (size_t)r->V, (size_t)r->H, touched) : 0;
    clip_squares(r->squares + (first + at) / CLIP_BLOCK, sum + at, n - at);
}

err reducer_norm(reducer *r, const float *sum, double *norm) {
    size_t parts = (r->n + CLIP_BLOCK - 1) / CLIP_BLOCK, first, n;
    int sends = 0, recvs = 0;
    reducer_range(r, &first, &n);
    own_squares(r, sum, first, n);
    for (int q = 0; q < r->p->size; q++) {
        size_t theirs, count;
        reducer_range_of(r, q, &theirs, &count);
        if (q == r->p->rank)
            continue;
        r->send[sends++] = (par_message){q, r->squares + first / CLIP_BLOCK,
                                         (n + CLIP_BLOCK - 1) / CLIP_BLOCK * sizeof *r->squares};
        r->recv[recvs++] =
            (par_message){q, r->squares + theirs / CLIP_BLOCK,
                          (count + CLIP_BLOCK - 1) / CLIP_BLOCK * sizeof *r->squares};
    }
    CALL(par_exchange(r->p, r->send, sends, r->recv, recvs));
    *norm = clip_root(r->squares, parts);
    return OK;
}

err reducer_share(const reducer *r, float *x) {
    size_t first, n, theirs, count;
    int messages = 0;
    reducer_range(r, &first, &n);
    for (int q = 0; q < r->p->size; q++) {
        reducer_range_of(r, q, &theirs, &count);
        if (q == r->p->rank)
            continue;
        r->send[messages] = (par_message){q, x + first, n * sizeof *x};
        r->recv[messages++] = (par_message){q, x + theirs, count * sizeof *x};
    }
    return par_exchange(r->p, r->send, messages, r->recv, messages);
}

/* between the ranges x and rank 0's whole, which is written to (`in`) or read */
static err collect(const reducer *r, float *x, float *whole, int in) {
    enum { KEEPER = 0 };
    size_t first, n;
    int messages = 0;
    reducer_range(r, &first, &n);
    if (r->p->rank != KEEPER) {
        par_message m = {KEEPER, x, n * sizeof *x};
        return par_exchange(r->p, &m, in, &m, !in);
    }
    memcpy(in ? whole + first : x, in ? x : whole + first, n * sizeof *x);
    for (int q = 0; q < r->p->size; q++) {
        reducer_range_of(r, q, &first, &n);
        if (q != r->p->rank)
            r->send[messages++] = (par_message){q, whole + first, n * sizeof *x};
    }
    return par_exchange(r->p, r->send, in ? 0 : messages, r->send, in ? messages : 0);
}

err reducer_gather(const reducer *r, const float *x, float *whole) {
    return collect(r, (float *)(uintptr_t)x, whole, 1); /* only read: in = 1 */
}

err reducer_scatter(const reducer *r, const float *whole, float *x) {
    return collect(r, x, (float *)(uintptr_t)whole, 0);
}
