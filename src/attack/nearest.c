#include "attack/nearest.h"

#include "base/arena.h"
#include "par/preempt.h"
#include "par/queue.h"
#include "tensor/gemm.h"

#include <stdlib.h>
#include <string.h>

/* rows of a block against columns of a piece: the piece of B is packed once for all rows, and the
 * scores (3 MiB) stay near */
enum { ROWS = 768, COLS = 1024, GROUP = 32 };

typedef struct search {
    const float *v; // (n, d)
    int n, d, top;
    float least;
    float *score;     // (ROWS, COLS)
    nearest_one *out; // (n, top) each row a heap: the worst on top
    int32_t *count;
} search;

/* is x less wanted than y? */
static int worse(nearest_one x, nearest_one y) {
    return x.cosine != y.cosine ? x.cosine < y.cosine : x.word > y.word;
}

static void sift_down(nearest_one *heap, int n, int i) {
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && worse(heap[child + 1], heap[child]))
            child++;
        if (!worse(heap[child], heap[i]))
            return;
        nearest_one t = heap[i];
        heap[i] = heap[child];
        heap[child] = t;
    }
}

static void sift_up(nearest_one *heap, int i) {
    for (int parent; i > 0 && worse(heap[i], heap[parent = (i - 1) / 2]); i = parent) {
        nearest_one t = heap[i];
        heap[i] = heap[parent];
        heap[parent] = t;
    }
}

static void offer(const search *s, int row, nearest_one x) {
    nearest_one *heap = s->out + (size_t)row * (size_t)s->top;
    int32_t *n = &s->count[row];
    if (*n < s->top) {
        heap[*n] = x;
        sift_up(heap, (*n)++);
    } else if (worse(heap[0], x)) {
        heap[0] = x;
        sift_down(heap, *n, 0);
    }
}

/* what a score must reach to be worth a look */
static float bar(const search *s, int row) {
    const nearest_one *heap = s->out + (size_t)row * (size_t)s->top;
    return s->count[row] < s->top || heap[0].cosine < s->least ? s->least : heap[0].cosine;
}

/* the scores of one row against columns col … col + cols - 1 */
static void look_through(const search *s, int row, int col, int cols, const float *score) {
    float wanted = bar(s, row);
    for (int j = 0; j < cols; j += GROUP) {
        int m = cols - j < GROUP ? cols - j : GROUP, any = 0;
        if (m == GROUP)
            for (int k = 0; k < GROUP; k++)
                any |= score[j + k] >= wanted;
        if (m == GROUP && !any)
            continue;
        for (int k = j; k < j + m; k++)
            if (score[k] >= wanted && col + k != row) {
                float cosine = score[k] > 1.0f ? 1.0f : score[k];
                offer(s, row, (nearest_one){(uint32_t)(col + k), cosine});
                wanted = bar(s, row);
            }
    }
}

static int best_first(const void *a, const void *b) {
    return worse(*(const nearest_one *)a, *(const nearest_one *)b) ? 1 : -1;
}

static void search_block(search *s, int first) {
    int rows = s->n - first < ROWS ? s->n - first : ROWS;
    for (int col = 0; col < s->n; col += COLS) {
        int cols = s->n - col < COLS ? s->n - col : COLS;
        gemm_call product = {.M = rows,
                             .N = cols,
                             .K = s->d,
                             .a = {s->v + (size_t)first * (size_t)s->d, s->d, 0},
                             .b = {s->v + (size_t)col * (size_t)s->d, s->d, 1},
                             .c = s->score,
                             .ldc = COLS};
        gemm(&product);
        for (int i = 0; i < rows; i++)
            look_through(s, first + i, col, cols, s->score + (size_t)i * COLS);
    }
    for (int i = first; i < first + rows; i++)
        qsort(s->out + (size_t)i * (size_t)s->top, (size_t)s->count[i], sizeof *s->out, best_first);
}

/* every block's lists and counts to rank 0; owner (blocks): rank + 1 of each, on that rank */
static err bring_together(const par *p, const search *s, int64_t *owner, int blocks) {
    par_message *messages = NULL;
    err e = mem_alloc(2 * (size_t)blocks + 1, sizeof *messages, &messages);
    TRY(par_agree(p, e));
    TRY(par_sum_i64(p, owner, (size_t)blocks));
    int n = 0;
    for (int b = 0; b < blocks; b++) {
        int from = (int)owner[b] - 1, first = b * ROWS;
        size_t rows = (size_t)(s->n - first < ROWS ? s->n - first : ROWS);
        if (from == 0 || (p->rank != 0 && p->rank != from))
            continue;
        int peer = par_first(p) ? from : 0;
        messages[n++] = (par_message){peer, s->out + (size_t)first * (size_t)s->top,
                                      rows * (size_t)s->top * sizeof *s->out};
        messages[n++] = (par_message){peer, s->count + first, rows * sizeof *s->count};
    }
    e = par_first(p) ? par_exchange(p, NULL, 0, messages, n)
                     : par_exchange(p, messages, n, NULL, 0);
done:
    free(messages);
    return e;
}

err nearest_all(const par *p, const float *v, int n, int d, int top, double least, nearest_one *out,
                int32_t *count) {
    search s = {
        .v = v, .n = n, .d = d, .top = top, .least = (float)least, .out = out, .count = count};
    int blocks = (n + ROWS - 1) / ROWS;
    int64_t *owner = NULL, block;
    queue *q = NULL;
    memset(count, 0, (size_t)n * sizeof *count);
    memset(out, 0, (size_t)n * (size_t)top * sizeof *out);
    err e = mem_alloc((size_t)ROWS * COLS, sizeof *s.score, &s.score);
    if (e == OK)
        e = mem_alloc((size_t)blocks + 1, sizeof *owner, &owner);
    TRY(par_agree(p, e));
    TRY(queue_open(p, blocks, &q));
    while ((e = queue_next(q, &block)) == OK && block >= 0) {
        search_block(&s, (int)block * ROWS);
        owner[block] = p->rank + 1;
    }
    err closed = queue_close(&q);
    TRY(par_agree(p, e != OK ? e : closed));
    TRY(preempt_agree(p)); /* a queue that was stopped leaves blocks to nobody */
    TRY(bring_together(p, &s, owner, blocks));
done:
    free(s.score);
    free(owner);
    return e;
}

int nearest_slowly(const float *v, int n, int d, int i, int top, double least, nearest_one *out) {
    int count = 0;
    for (int j = 0; j < n; j++) {
        double dot = 0.0;
        for (int k = 0; k < d; k++)
            dot += (double)v[(size_t)i * (size_t)d + (size_t)k] *
                   (double)v[(size_t)j * (size_t)d + (size_t)k];
        nearest_one x = {(uint32_t)j, (float)(dot > 1.0 ? 1.0 : dot)};
        if (j == i || dot < least || (count == top && !worse(out[count - 1], x)))
            continue;
        count += count < top;
        int at = count - 1;
        for (; at > 0 && worse(out[at - 1], x); at--)
            out[at] = out[at - 1];
        out[at] = x;
    }
    return count;
}
