/* accuracy.h: a model's accuracy on token sequences, shared by all ranks. */
#ifndef ESPALIER_EVAL_ACCURACY_H
#define ESPALIER_EVAL_ACCURACY_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct accuracy {
    int64_t n, correct;
    double loss; /* mean cross-entropy */
} accuracy;

/* On this rank alone; fixed batches of 64. Not collective. */
err accuracy_local(const encoder *m, const examples *x, accuracy *out);
/* Batches over all ranks, the same result on every rank and for any number of them. Collective. */
err accuracy_shared(const par *p, const encoder *m, const examples *x, accuracy *out);

#endif
