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
    block_stage at; /* within the calibration's current block */
    int n;          /* linears */
    linear_view dense[LINEARS_MAX], pruned[LINEARS_MAX];
    int in, out;              /* out: of all n together, in the order of the linears */
    const encoder *models[2]; /* dense, pruned */
} linears;

linears linears_of_block(const encoder *dense, const encoder *pruned, int layer, block_stage at);
linears linears_of_pooler(const encoder *dense, const encoder *pruned);
linears linears_of_classifier(const encoder *dense, const encoder *pruned);

/* The dense weights, one linear below the other, in float64: w (out, in); and biases: b (out). Not
 * collective. */
void linears_dense_weight(const linears *s, double *w);
void linears_dense_bias(const linears *s, float *b);

/* Sums over all calibration tokens: *own, of the pruned prefix's inputs and the dense outputs
 * (without bias); *dense (m = 0), of the dense model's inputs, NULL: not wanted. The caller
 * destroys them. Collective over p. */
err linears_sums(const linears *s, const par *p, calibration *c, hessian **own, hessian **dense);

/* The slow reference of the errors that pruning reports from its sums (rows.h): for each linear the
 * relative error of its output as the pruned model is now: error (n), each
 * ||Y - W X^ - shift||_F^2 / ||Y||_F^2 over all calibration tokens, by a pass of its own.
 * Collective. */
err linears_error(const linears *s, const par *p, calibration *c, double *error);

#endif
