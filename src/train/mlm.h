/* mlm.h: loss and gradient of the masked-language objective, shared by all ranks.
 *
 * A batch is masked whole and cut into shards (shards.h), whatever the number of ranks; their
 * gradients are summed by a reducer (reduce.h) and their losses in shard order, so every rank ends
 * with the same bytes, and so does every number of ranks. */
#ifndef ESPALIER_TRAIN_MLM_H
#define ESPALIER_TRAIN_MLM_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"
#include "train/mask.h"
#include "train/reduce.h"

typedef struct mlm mlm; /* workspace, packed batch, sums */

typedef struct mlm_sum {
    double loss;            /* sum of the masked tokens' cross-entropies, nats */
    int64_t masked, tokens; /* masked tokens; all tokens */
} mlm_sum;

/* x and m are the same on every rank; batches have at most max_B sequences. x is not owned. Caller
 * destroys. Not collective. */
err mlm_create(const par *p, const encoder_config *c, const examples *x, const masking *k,
               int max_B, mlm **out);
void mlm_destroy(mlm **t);

/* r gets this rank's shards (of `shards`, or B if that is fewer) of the gradient of the MEAN loss
 * over all masked tokens of the batch rows[0 .. B - 1]: reducer_sum adds them up, unless nothing is
 * masked. drop NULL: no dropout; its epoch is replaced by `epoch`. ERR_STOPPED: a rank was asked to
 * stop. Collective. */
err mlm_gradient(mlm *t, reducer *r, const encoder *m, const int32_t *rows, int B, int n_shards,
                 uint32_t epoch, const dropout *drop, mlm_sum *out);

/* Loss over rows[0 .. n - 1] with the masks of `epoch`, in batches of max_B. Collective. */
err mlm_loss(mlm *t, const encoder *m, const int32_t *rows, int n, uint32_t epoch, mlm_sum *out);

#endif
