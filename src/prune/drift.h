/* drift.h: what pruning changed inside a model: how far the [CLS] vectors of every layer are from
 * the dense model's (arXiv 2310.13191, Table 4), and what attends to what (its Figure 2). */
#ifndef ESPALIER_PRUNE_DRIFT_H
#define ESPALIER_PRUNE_DRIFT_H

#include "model/encoder.h"
#include "text/dataset.h"

typedef struct drift_layer {
    double distance;  /* mean over texts of |h - h'|, h: the [CLS] vector of the dense model */
    double relative;  /* mean of |h - h'| / |h| */
    double cosine;    /* mean of the cosine between h and h' */
    double attention; /* of the block that makes this layer: mean over texts, heads and tokens of
                         the total variation between what they attend to; NaN: embeddings */
} drift_layer;

/* out (L + 1): embeddings, then every block's output. The two models have one shape. In float32,
 * means in float64. Not collective. */
err drift_measure(const encoder *dense, const encoder *pruned, const examples *x, drift_layer *out);

/* Attention of text `row`, averaged over heads: map (L, S, S), S its tokens; a row is what one
 * token attends to and sums to 1. Not collective. */
err drift_map(const encoder *m, const examples *x, int row, double *map);

#endif
