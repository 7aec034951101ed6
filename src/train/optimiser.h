/* optimiser.h: AdamW, Adam and SGD over a range of a flat block. Not collective.
 *
 * Decay does not touch biases and LayerNorm (the parameter table says so). An element's new value
 * is a function of that element's own history, so ranks that own a range each compute together what
 * one rank computes alone, bit for bit. */
#ifndef ESPALIER_TRAIN_OPTIMISER_H
#define ESPALIER_TRAIN_OPTIMISER_H

#include "model/encoder.h"

typedef enum optimiser_kind {
    OPTIMISER_ADAMW, /* arXiv 1711.05101: p -= rate (m' / (sqrt(v') + epsilon) + decay p) */
    OPTIMISER_ADAM,  /* arXiv 1412.6980, decay p added to the gradient, as torch.optim.Adam */
    OPTIMISER_SGD    /* m = momentum m + g + decay p, p -= rate m, as torch.optim.SGD */
} optimiser_kind;

typedef struct optimiser_rule {
    optimiser_kind kind;
    double beta1, beta2, epsilon; /* of adamw and adam */
    double momentum;              /* of sgd */
    double weight_decay;
    /* The rate of the arrays of layer l is times layer_decay ^ (L - l), of the embeddings times
     * layer_decay ^ (L + 1), of pooler and heads 1 (as in BEiT, arXiv 2106.08254). */
    double layer_decay;
} optimiser_rule;

/* "adamw", "adam" or "sgd"; ERR_USAGE: none of them. */
err optimiser_parse(const char *word, optimiser_kind *out);
/* AdamW with beta 0.9 and 0.999, epsilon 1e-8, no layer decay. */
optimiser_rule optimiser_adamw(double weight_decay);

/* What a step does to one array: the bias corrections are in rate and inverse_root2; rest is 1 -
 * beta, taken in float64, where 1 - 0.999 keeps its digits. */
typedef struct optimiser_constants {
    float beta1, rest1, beta2, rest2, scale, shrink, couple, rate, inverse_root2, epsilon;
} optimiser_constants;

enum { OPTIMISER_LATE = 16 };

typedef struct optimiser {
    optimiser_rule rule;
    int64_t step;    /* done */
    size_t first, n; /* elements first .. first + n - 1 of the block are updated */
    float *m, *v;    // (n) moments, owned; NULL where the rule has none
    encoder_array *arrays;
    int n_arrays, L;
    /* of the word embeddings */
    char *awake;    // (V) 1: a row whose moments may not be 0
    int64_t *taken; // (V) steps that a row has taken, at most OPTIMISER_LATE fewer than step
    int late;       /* 1: some row may have taken fewer than step */
    optimiser_constants recent[OPTIMISER_LATE]; /* of step k at k % OPTIMISER_LATE */
} optimiser;

/* Caller destroys. ERR_FAILED: memory. */
err optimiser_create(const encoder_config *c, const optimiser_rule *r, size_t first, size_t n,
                     optimiser **out);
void optimiser_destroy(optimiser **o);

/* One step: p (n) from grads (n) times scale (from clipping); both begin at element `first`. rows
 * (V): 0 where the gradient of a row of the word embeddings is +0, NULL: any row may have one; only
 * where the range is the whole block.
 *
 * Rows of the word embeddings without a gradient take that step later, several at a time, because
 * they are most of the memory that a step would pass over: those of a batch by optimiser_catch_up,
 * which must come before they are read, all others within OPTIMISER_LATE steps or by
 * optimiser_settle, which must come before anything else reads p or the moments. The bits are those
 * of steps taken at once. Rows that never had a gradient cost little: their moments are 0, and all
 * that a step does to them is decay. */
void optimiser_step(optimiser *o, float *p, const float *grads, const char *rows, double rate,
                    double scale);
/* The rows of ids (T) take the steps that they have not taken. */
void optimiser_catch_up(optimiser *o, float *p, const int32_t *ids, int T);
/* All rows do. */
void optimiser_settle(optimiser *o, float *p);

/* Moments came from elsewhere (a checkpoint, with its step): look which rows have some. */
void optimiser_wake(optimiser *o);

#endif
