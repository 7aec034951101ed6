#include "train/mlm.h"

#include "base/arena.h"
#include "par/preempt.h"

#include <stdlib.h>
#include <string.h>

struct mlm {
    const par *p;
    const examples *x;
    masking k;
    int max_B;
    encoder_ws *ws;
    packer *pack;
    batch b;            /* the batch at hand, its ids masked */
    int32_t *ids;       // (max_B * max_length) masked
    int32_t *positions; // (max_B * max_length) of masked tokens
    int32_t *targets;   // (max_B * max_length) what stood there
    int M;              /* masked tokens of b */
    int32_t *offsets;   // (max_B + 1) of a shard
    int64_t *table;     // (batches, 3) loss bits, masked, tokens
};

/* in a table that is summed over ranks each entry is set by one rank and 0 on all others: the sum
 * of the bit patterns hands a float64 to everyone unchanged */
static int64_t bits_of(double x) {
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double of_bits(int64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

err mlm_create(const par *p, const encoder_config *c, const examples *x, const masking *k,
               int max_B, mlm **out) {
    mlm *t = calloc(1, sizeof *t);
    err e = OK;
    ENSURE(t != NULL, ERR_FAILED, "no memory for a masked-language model");
    t->p = p;
    t->x = x;
    t->k = *k;
    t->max_B = max_B;
    size_t tokens = (size_t)max_B * (size_t)x->max_length;
    size_t batches = ((size_t)x->n + (size_t)max_B - 1) / (size_t)max_B;
    TRY(encoder_ws_create(c, &t->ws));
    TRY(packer_create(x, max_B, &t->pack));
    TRY(mem_alloc(tokens, sizeof *t->ids, &t->ids));
    TRY(mem_alloc(tokens, sizeof *t->positions, &t->positions));
    TRY(mem_alloc(tokens, sizeof *t->targets, &t->targets));
    TRY(mem_alloc((size_t)max_B + 1, sizeof *t->offsets, &t->offsets));
    TRY(mem_alloc(batches, 3 * sizeof *t->table, &t->table));
    *out = t;
    return OK;
done:
    mlm_destroy(&t);
    return e;
}

void mlm_destroy(mlm **t) {
    if (*t == NULL)
        return;
    encoder_ws_destroy(&(*t)->ws);
    packer_destroy(&(*t)->pack);
    free((*t)->ids);
    free((*t)->positions);
    free((*t)->targets);
    free((*t)->offsets);
    free((*t)->table);
    free(*t);
    *t = NULL;
}

static err load(mlm *t, const int32_t *rows, int B, uint32_t epoch) {
    CALL(packer_pack(t->pack, rows, B, &t->b));
    t->M = mask_tokens(&t->k, epoch, &t->b, t->ids, t->positions, t->targets);
    t->b.ids = t->ids;
    return OK;
}

/* The gradient of shard s of the cut into grads, zeros before; its share of the batch's mean is
 * (masked here) / (masked in all). A shard in which nothing is masked adds nothing. */
static err shard_gradient(mlm *t, const encoder *m, const shard_cut *cut, int s,
                          const dropout *drop, float *grads, double *loss) {
    int b0 = cut->first[s], b1 = cut->first[s + 1];
    int t0 = t->b.offsets[b0], t1 = t->b.offsets[b1], m0 = 0, m1;
    while (m0 < t->M && t->positions[m0] < t0)
        m0++;
    for (m1 = m0; m1 < t->M && t->positions[m1] < t1; m1++)
        t->positions[m1] -= t0;
    if (m1 == m0)
        return OK;
    for (int i = b0; i <= b1; i++)
        t->offsets[i - b0] = t->b.offsets[i] - t0;
    batch shard = {.B = b1 - b0,
                   .T = t1 - t0,
                   .ids = t->b.ids + t0,
                   .offsets = t->offsets,
                   .example = t->b.example + b0};
    err e = encoder_mlm_step(t->ws, m, &shard, t->positions + m0, t->targets + m0, m1 - m0, drop,
                             (float)((double)(m1 - m0) / t->M), grads, loss);
    for (int i = m0; i < m1; i++)
        t->positions[i] += t0;
    return e;
}

err mlm_gradient(mlm *t, reducer *r, const encoder *m, const int32_t *rows, int B, int n_shards,
                 uint32_t epoch, const dropout *drop, mlm_sum *out) {
    enum { ASKED = SHARDS_MAX, FAILED, COLUMNS };
    int64_t table[COLUMNS] = {0};
    shard_cut cut;
    int end, asked = 0;
    dropout d = {0};
    if (drop != NULL)
        d = *drop;
    d.epoch = epoch;
    *out = (mlm_sum){0};
    CALL(par_agree(t->p, load(t, rows, B, epoch)));
    out->tokens = t->b.T;
    out->masked = t->M;
    if (t->M == 0)
        return OK;
    shards_cut(t->x, rows, B, n_shards, &cut);
    err mine = OK;
    for (int s = reducer_begin(r, cut.n, &end); s < end && mine == OK; s++) {
        double loss = 0;
        table[ASKED] = asked = preempt_asked();
        if (asked)
            break;
        mine = shard_gradient(t, m, &cut, s, drop != NULL ? &d : NULL, reducer_open(r), &loss);
        reducer_close(r);
        table[s] = bits_of(loss);
    }
    table[FAILED] = mine != OK;
    CALL(par_sum_i64(t->p, table, COLUMNS));
    if (table[FAILED] > 0)
        return par_agree(t->p, mine);
    if (table[ASKED] > 0)
        return par_agree(t->p, asked ? preempt_raise() : OK);
    for (int s = 0; s < cut.n; s++)
        out->loss += of_bits(table[s]);
    return OK;
}

static err loss_of_batch(mlm *t, const encoder *m, const int32_t *rows, int B, uint32_t epoch,
                         int64_t row[3]) {
    CALL(load(t, rows, B, epoch));
    double loss = 0;
    if (t->M > 0)
        CALL(encoder_mlm_step(t->ws, m, &t->b, t->positions, t->targets, t->M, NULL, 1.0f, NULL,
                              &loss));
    row[0] = bits_of(loss);
    row[1] = t->M;
    row[2] = t->b.T;
    return OK;
}

err mlm_loss(mlm *t, const encoder *m, const int32_t *rows, int n, uint32_t epoch, mlm_sum *out) {
    int batches = (n + t->max_B - 1) / t->max_B;
    err mine = OK;
    memset(t->table, 0, (size_t)batches * 3 * sizeof *t->table);
    for (int i = t->p->rank; i < batches && mine == OK; i += t->p->size) {
        int first = i * t->max_B, B = n - first < t->max_B ? n - first : t->max_B;
        mine = loss_of_batch(t, m, rows + first, B, epoch, t->table + 3 * (size_t)i);
    }
    CALL(par_agree(t->p, mine));
    CALL(par_sum_i64(t->p, t->table, (size_t)batches * 3));
    *out = (mlm_sum){0};
    for (int i = 0; i < batches; i++) {
        const int64_t *row = t->table + 3 * (size_t)i;
        out->loss += of_bits(row[0]);
        out->masked += row[1];
        out->tokens += row[2];
    }
    return OK;
}
