#include "eval/accuracy.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = ACCURACY_BATCH };

/* one row a batch; in a sum over ranks each row is set by one rank and 0 on all others, so the sum
 * of the loss's bit pattern hands the float64 to everyone unchanged */
typedef struct score {
    int64_t correct, loss_bits;
} score;

static int batches_of(const examples *x) {
    return x->n / BATCH + (x->n % BATCH != 0);
}

/* logits (K) of one sequence: its cross-entropy, and whether label has the largest logit. */
static double cross_entropy(const float *logits, int K, int label, int *correct) {
    int top = 0;
    double sum = 0;
    for (int k = 1; k < K; k++)
        if (logits[k] > logits[top])
            top = k;
    for (int k = 0; k < K; k++)
        sum += exp((double)logits[k] - (double)logits[top]);
    *correct = top == label && !isnan(sum);
    return log(sum) - ((double)logits[label] - (double)logits[top]);
}

static err score_batch(encoder_ws *ws, const encoder *m, const batch *b, score *out) {
    const float *logits; // (B, K)
    double loss = 0;
    CALL(encoder_classify(ws, m, b, NULL, &logits));
    for (int i = 0; i < b->B; i++) {
        int correct;
        loss += cross_entropy(logits + (size_t)i * (size_t)m->c.K, m->c.K, b->labels[i], &correct);
        out->correct += correct;
    }
    memcpy(&out->loss_bits, &loss, sizeof loss);
    return OK;
}

static err check_label(const encoder *m, const examples *x, int i) {
    CHECK(x->label[i] >= 0 && x->label[i] < m->c.K, ERR_DATA,
          "example %d has label %d, but the model has %d classes", i, x->label[i], m->c.K);
    return OK;
}

/* rows of batch i, packed */
static err pack_batch(packer *pack, const examples *x, int i, batch *b) {
    int32_t rows[BATCH];
    int B = x->n - i * BATCH < BATCH ? x->n - i * BATCH : BATCH;
    for (int j = 0; j < B; j++)
        rows[j] = i * BATCH + j;
    return packer_pack(pack, rows, B, b);
}

/* Scores of batches first, first + stride, …: the others' rows of table (batches) stay untouched.
 */
static err score_batches(const encoder *m, const examples *x, int first, int stride, score *table) {
    encoder_ws *ws = NULL;
    packer *pack = NULL;
    err e = OK;
    for (int i = 0; i < x->n; i++)
        TRY(check_label(m, x, i));
    TRY(encoder_ws_create(&m->c, &ws));
    TRY(packer_create(x, BATCH, &pack));
    for (int i = first; i < batches_of(x); i += stride) {
        batch b;
        TRY(pack_batch(pack, x, i, &b));
        TRY(score_batch(ws, m, &b, &table[i]));
    }
done:
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    return e;
}

err accuracy_batch(encoder_ws *ws, const encoder *m, const examples *x, int i, uint64_t *right) {
    packer *pack = NULL;
    const float *logits; // (B, K)
    batch b;
    err e;
    *right = 0;
    TRY(packer_create(x, BATCH, &pack));
    TRY(pack_batch(pack, x, i, &b));
    TRY(encoder_classify(ws, m, &b, NULL, &logits));
    for (int j = 0; j < b.B; j++) {
        int correct;
        TRY(check_label(m, x, i * BATCH + j));
        cross_entropy(logits + (size_t)j * (size_t)m->c.K, m->c.K, b.labels[j], &correct);
        *right |= (uint64_t)correct << j;
    }
done:
    packer_destroy(&pack);
    return e;
}

static accuracy total(const score *table, const examples *x) {
    accuracy a = {.n = x->n};
    double sum = 0;
    for (int i = 0; i < batches_of(x); i++) {
        double loss;
        memcpy(&loss, &table[i].loss_bits, sizeof loss);
        sum += loss;
        a.correct += table[i].correct;
    }
    a.loss = sum / x->n;
    return a;
}

err accuracy_local(const encoder *m, const examples *x, accuracy *out) {
    score *table;
    CALL(mem_alloc((size_t)batches_of(x), sizeof *table, &table));
    err e = score_batches(m, x, 0, 1, table);
    if (e == OK)
        *out = total(table, x);
    free(table);
    return e;
}

err accuracy_shared(const par *p, const encoder *m, const examples *x, accuracy *out) {
    size_t n = (size_t)batches_of(x);
    score *table = NULL;
    err e = mem_alloc(n, sizeof *table, &table);
    if (e == OK)
        e = score_batches(m, x, p->rank, p->size, table);
    TRY(par_agree(p, e));
    TRY(par_sum_i64(p, (int64_t *)table, n * sizeof *table / sizeof(int64_t)));
    *out = total(table, x);
done:
    free(table);
    return e;
}
