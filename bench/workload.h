/* workload.h: an encoder of one of the four sizes, and what is timed of it. Not collective. */
#ifndef ESPALIER_BENCH_WORKLOAD_H
#define ESPALIER_BENCH_WORKLOAD_H

#include "lengths.h"

#include "model/encoder.h"

#include <stdint.h>

typedef struct size {
    const char *name;
    int L, H, A, F;
    double train, forward; /* wanted shares of the float32 peak at 32 sequences of 64 tokens */
    double ragged;         /* wanted tokens a second on SST-2 batches, times PyTorch's */
} size;

enum { SIZES = 4 };
extern const size SIZE[SIZES];
const size *size_find(const char *name); /* NULL: no such size */

typedef enum work {
    WORK_HIDDEN,  /* all hidden states of a batch */
    WORK_FORWARD, /* its classification: of the last layer only what that reads */
    WORK_TRAIN,   /* a whole step: dropout 0.1, forward, backward, clip at norm 1, AdamW */
    WORK_MLM,     /* the same for the masked-language head, every seventh token masked */
} work;

typedef struct workload workload;
/* The batches of n with random ids and labels; n is not owned. mlm: with that head. Caller
 * destroys. */
err workload_create(const size *z, const lengths *n, int mlm, workload **out);
void workload_destroy(workload **k);

/* Of the products from now on; FLOAT32 at first. */
void workload_precision(workload *k, precision p);

/* One turn over one batch. */
err workload_turn(workload *k, work w, int which);
int workload_tokens(const workload *k, int which);

/* What the last turn left: the last hidden states (T, H) after WORK_HIDDEN, the gradient before
 * clipping after a training step. n: floats. Valid until the next turn. */
const float *workload_hidden(const workload *k, int which, size_t *n);
const float *workload_gradient(const workload *k, size_t *n);

/* Operations of one turn that are carried out: two for every weight of the six linears of a block
 * and token, the two products of attention, the masked-language head's; times three with the
 * backward pass. Everything else counts as nothing. */
double workload_operations(const workload *k, work w, int which);

#endif
