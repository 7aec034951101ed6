/* linears.h: linear layers that see the same input, and are therefore pruned at the same time:
 * query, key and value; attention output; intermediate; output; and, to be re-fitted only, pooler
 * and classifier. */
#ifndef ESPALIER_PRUNE_LINEARS_H
#define ESPALIER_PRUNE_LINEARS_H

#include "prune/calibration.h"
#include "prune/hessian.h"

enum { LINEARS_MAX = 3 };

typedef enum linears_place { PLACE_BLOCK, PLACE_POOLER, PLACE_CLASSIFIER } linears_place;

typedef struct linears {
    linears_place place;
    block_stage at; /* of the calibration's current block */
    int n;          /* linears */
    linear_view dense[LINEARS_MAX], pruned[LINEARS_MAX];
    int in, out;              /* out: of all n together, in the order of the linears */
    const encoder *models[2]; /* dense, pruned */
    int track; /* the pruned model's number in the calibration; the dense one's is 0 */
} linears;

linears linears_of_block(const encoder *dense, const encoder *pruned, int track, int layer,
                         block_stage at);
linears linears_of_pooler(const encoder *dense, const encoder *pruned, int track);
linears linears_of_classifier(const encoder *dense, const encoder *pruned, int track);

/* The dense weights, one linear below the other, in float64: w (out, in); and biases: b (out). Not
 * collective. */
void linears_dense_weight(const linears *s, double *w);
void linears_dense_bias(const linears *s, float *b);

/* Sums over all calibration tokens for n pruned models, s (n) the same linears of each, in one pass
 * that makes the dense model's inputs and outputs once: own (n), of each pruned prefix's inputs and
 * the dense outputs (without bias); *dense (m = 0), of the dense model's inputs, NULL: not wanted.
 * What they are does not depend on n. The caller destroys them. ERR_FAILED: the calibration is at
 * another stage. Collective over p. */
err linears_sums(const linears *s, int n, const par *p, calibration *c, hessian **own,
                 hessian **dense);

/* The slow reference of the errors that pruning reports from its sums (rows.h): for each linear the
 * relative error of its output as the pruned model is now: error (n), each
 * ||Y - W X^ - shift||_F^2 / ||Y||_F^2 over all calibration tokens, by a pass of its own.
 * Collective. */
err linears_error(const linears *s, const par *p, calibration *c, double *error);

#endif
