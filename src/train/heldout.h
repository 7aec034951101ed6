/* heldout.h: the mean loss of held-out examples, shared by the ranks of a group. */
#ifndef ESPALIER_TRAIN_HELDOUT_H
#define ESPALIER_TRAIN_HELDOUT_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct heldout_set {
    const par *p;
    const examples *x;
    packer *pack;
    int32_t *rows;  // (x->n)
    int64_t *table; // (batches) bits of their losses
    int B;          /* sequences of a batch: never depends on ranks */
} heldout_set;

/* x is not owned and the same on every rank. Caller closes. Not collective. */
err heldout_open(const par *p, const examples *x, int B, heldout_set *out);
void heldout_close(heldout_set *h);

/* Mean cross-entropy of m's classifier, nats; no dropout, no smoothing. The same bits on any number
 * of ranks. Collective. */
err heldout_loss(heldout_set *h, encoder_ws *ws, const encoder *m, double *loss);

#endif
