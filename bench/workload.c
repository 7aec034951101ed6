#include "workload.h"

#include "base/arena.h"
#include "base/rng.h"
#include "model/encoder.h"
#include "train/clip.h"
#include "train/optimiser.h"
#include "train/reduce.h"

#include <stdlib.h>
#include <string.h>

const size SIZE[SIZES] = {{"tiny", 2, 128, 2, 512, 0.65, 0.70, 3.5},
                          {"mini", 4, 256, 4, 1024, 0.78, 0.82, 3.0},
                          {"small", 4, 512, 8, 2048, 0.82, 0.86, 2.7},
                          {"base", 12, 768, 12, 3072, 0.88, 0.90, 2.5}};

enum { MASKED_EVERY = 7, VOCABULARY = 30522 };

struct workload {
    encoder *m;
    encoder_ws *ws;
    optimiser *opt;
    par alone;
    reducer *sum;       /* of one shard, on one rank */
    const float *grads; // a block of m's layout
    batch *b;           // (n->batches)
    int32_t *ids;       // tokens of all batches
    int32_t *offsets;   // (n->batches, LENGTHS_B + 1)
    int32_t *labels;    // (LENGTHS_B)
    int32_t *masked;    // every seventh place of the longest batch
    const lengths *n;
};

const size *size_find(const char *name) {
    for (int i = 0; i < SIZES; i++)
        if (strcmp(name, SIZE[i].name) == 0)
            return &SIZE[i];
    return NULL;
}

static err make_batches(workload *k) {
    size_t all = 0, at = 0;
    rng_stream r = rng_open(1, RNG_TEST, 0, 0);
    for (int i = 0; i < k->n->batches * LENGTHS_B; i++)
        all += (size_t)k->n->n[i];
    CALL(mem_alloc((size_t)k->n->batches, sizeof *k->b, &k->b));
    CALL(mem_alloc((size_t)k->n->batches * (LENGTHS_B + 1), sizeof *k->offsets, &k->offsets));
    CALL(mem_alloc(LENGTHS_B, sizeof *k->labels, &k->labels));
    CALL(mem_alloc(all, sizeof *k->ids, &k->ids));
    CALL(mem_alloc(all, sizeof *k->masked, &k->masked));
    for (size_t i = 0; i < all; i++) {
        k->ids[i] = (int32_t)rng_below(&r, VOCABULARY);
        k->masked[i] = (int32_t)i * MASKED_EVERY;
    }
    for (int i = 0; i < LENGTHS_B; i++)
        k->labels[i] = i % 2;
    for (int j = 0; j < k->n->batches; j++) {
        int32_t *offsets = k->offsets + j * (LENGTHS_B + 1);
        for (int s = 0; s < LENGTHS_B; s++)
            offsets[s + 1] = offsets[s] + k->n->n[j * LENGTHS_B + s];
        int T = offsets[LENGTHS_B];
        k->b[j] = (batch){
            .B = LENGTHS_B, .T = T, .ids = k->ids + at, .offsets = offsets, .labels = k->labels};
        at += (size_t)T;
    }
    return OK;
}

err workload_create(const size *z, const lengths *n, int mlm, workload **out) {
    encoder_config c = {.V = VOCABULARY, .H = z->H, .L = z->L, .A = z->A, .F = z->F, .P = 512};
    c.Y = 2;
    c.K = 2;
    c.mlm = mlm;
    c.norm_eps = 1e-12f;
    workload *k = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *k, &k));
    k->n = n;
    TRY(encoder_create(&c, &k->m));
    encoder_init(k->m, 1);
    TRY(encoder_ws_create(&c, &k->ws));
    TRY(make_batches(k));
    *out = k;
    k = NULL;
done:
    workload_destroy(&k);
    return e;
}

void workload_destroy(workload **k) {
    if (!*k)
        return;
    encoder_destroy(&(*k)->m);
    encoder_ws_destroy(&(*k)->ws);
    optimiser_destroy(&(*k)->opt);
    reducer_destroy(&(*k)->sum);
    free((*k)->b);
    free((*k)->ids);
    free((*k)->offsets);
    free((*k)->labels);
    free((*k)->masked);
    free(*k);
    *k = NULL;
}

void workload_precision(workload *k, precision p) {
    k->m->c.p = p;
}

/* as train/classifier.c takes it, with a batch that is one shard */
static err step(workload *k, work w, const batch *b) {
    dropout d = {.seed = 1, .hidden = 0.1f, .attention = 0.1f};
    double loss, norm;
    float *sum;
    int end;
    if (!k->sum) {
        optimiser_rule rule = optimiser_adamw(0.01);
        k->alone = par_alone();
        CALL(optimiser_create(&k->m->c, &rule, 0, k->m->n, &k->opt));
        CALL(reducer_create(&k->alone, &k->m->c, 1, w == WORK_TRAIN, &k->sum));
    }
    reducer_begin(k->sum, 1, &end);
    float *grads = reducer_open(k->sum);
    reducer_touch(k->sum, b->ids, b->T);
    optimiser_catch_up(k->opt, k->m->block, b->ids, b->T);
    if (w == WORK_MLM) /* true words: whichever are in the first places */
        CALL(encoder_mlm_step(k->ws, k->m, b, k->masked, b->ids, b->T / MASKED_EVERY, &d, 1.0f,
                              grads, &loss));
    else
        CALL(encoder_classify_step(k->ws, k->m, b, &d, 1.0f, grads, &loss));
    reducer_close(k->sum);
    CALL(reducer_sum(k->sum, &sum));
    CALL(reducer_norm(k->sum, sum, &norm));
    optimiser_step(k->opt, k->m->block, sum, reducer_rows(k->sum), 1e-5, clip_scale(norm, 1.0));
    k->grads = sum;
    return OK;
}

err workload_turn(workload *k, work w, int j) {
    const batch *b = &k->b[j];
    const float *logits;
    if (w == WORK_HIDDEN)
        return encoder_forward(k->ws, k->m, b, NULL, 0);
    if (w == WORK_FORWARD)
        return encoder_classify(k->ws, k->m, b, NULL, &logits);
    return step(k, w, b);
}

int workload_tokens(const workload *k, int j) {
    return k->b[j].T;
}

const float *workload_hidden(const workload *k, int j, size_t *n) {
    *n = (size_t)k->b[j].T * (size_t)k->m->c.H;
    return encoder_hidden(k->ws, k->m->c.L);
}

const float *workload_gradient(const workload *k, size_t *n) {
    *n = k->m->n;
    return k->grads;
}

/* one layer: keys and values of all tokens, the rest of rows of them in each sequence */
static double layer_operations(const workload *k, const batch *b, int first) {
    double H = k->m->c.H, F = k->m->c.F, sum = 0.0;
    for (int s = 0; s < b->B; s++) {
        double n = b->offsets[s + 1] - b->offsets[s], rows = first ? 1.0 : n;
        sum += 4.0 * n * H * H + rows * (4.0 * H * H + 4.0 * H * F + 4.0 * n * H);
    }
    return sum;
}

double workload_operations(const workload *k, work w, int j) {
    const encoder_config *c = &k->m->c;
    const batch *b = &k->b[j];
    double H = c->H, V = c->V, sum = (c->L - 1) * layer_operations(k, b, 0);
    sum += layer_operations(k, b, w == WORK_FORWARD || w == WORK_TRAIN);
    if (w == WORK_MLM)
        sum += 2.0 * (b->T / MASKED_EVERY) * H * (H + V);
    return w == WORK_HIDDEN || w == WORK_FORWARD ? sum : 3.0 * sum;
}
