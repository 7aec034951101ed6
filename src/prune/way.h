/* way.h: what a method of a study (config/method.h) means for the stages of a model. */
#ifndef ESPALIER_PRUNE_WAY_H
#define ESPALIER_PRUNE_WAY_H

#include "config/method.h"
#include "config/study.h"
#include "prune/rows.h"

typedef struct way {
    rows_method rows;
    int prefix; /* 1: the Hessian of the pruned prefix's inputs; 0: of the dense model's */
    int fitted; /* 1: the adaptive weight is pruned (METHOD's Wbar); 0: the dense one */
    int bias;   /* 1: biases are fitted too */
    int head;   /* 1: pooler and classifier are re-fitted at the end */
    int global; /* 1: one threshold for all linears of the model */
    int refit;
    int swaps; /* most a row, 0: none */
} way;

/* ERR_USAGE: unknown method. Not collective. */
err way_of(const char *method, const prune_options *o, way *out);

#endif
