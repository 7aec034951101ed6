/* accuracy.h: a model's accuracy on token sequences, shared by all ranks.
 *
 * Batches are rows 0 .. 63, 64 .. 127, …, whatever the number of ranks, and losses are added in
 * batch order: the same bytes everywhere. The class is the one of the largest logit, the lower of
 * equals; a NaN is never correct. ERR_DATA: a label that the model has no class for. */
#ifndef ESPALIER_EVAL_ACCURACY_H
#define ESPALIER_EVAL_ACCURACY_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct accuracy {
    int64_t n, correct;
    double loss; /* mean cross-entropy, nats; NaN for n = 0 */
} accuracy;

enum { ACCURACY_BATCH = 64 };

/* One of these batches: bit i of *right is 1 if its i-th row is right. Not collective. */
err accuracy_batch(encoder_ws *ws, const encoder *m, const examples *x, int batch, uint64_t *right);
/* On this rank alone. Not collective. */
err accuracy_local(const encoder *m, const examples *x, accuracy *out);
/* Batches over all ranks, the same result on every rank and for any number of them. Collective. */
err accuracy_shared(const par *p, const encoder *m, const examples *x, accuracy *out);

#endif
