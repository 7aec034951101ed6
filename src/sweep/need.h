/* need.h: the memory that training takes, before it is taken. Nothing of the encoder's size is
 * allocated here. Bytes; not collective. */
#ifndef ESPALIER_SWEEP_NEED_H
#define ESPALIER_SWEEP_NEED_H

#include "config/study.h"
#include "model/encoder.h"
#include "text/dataset.h"

typedef struct need {
    double parameters;  /* of the model in training */
    double gradients;   /* blocks of its layout that a step adds up in */
    double moments;     /* the optimiser's state, and the best weights of early stopping */
    double activations; /* of the largest batch there can be, forward and backward */
    double attention;   /* of these, the attention probabilities */
    double other;       /* order, perturbations, messages between ranks */
} need;

double need_total(const need *n);

/* One variant on a rank of a group of `ranks`: x are the examples it is trained on, heldout those
 * it is measured on. c has the classifier. */
err need_finetune(const encoder_config *c, const finetune_options *o, int ranks, const examples *x,
                  const examples *heldout, need *out);
/* Pre-training on x; c has the masked-language head. */
err need_pretrain(const encoder_config *c, const pretrain_options *o, int ranks, const examples *x,
                  need *out);

#endif
