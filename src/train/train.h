/* train.h: fine-tuning and pre-training loops (AdamW, arXiv 1711.05101; linear warm-up and decay).
 *
 * The order of examples is a shuffle by (seed, epoch); batches never depend on ranks. */
#ifndef ESPALIER_TRAIN_TRAIN_H
#define ESPALIER_TRAIN_TRAIN_H

#include "base/monitor.h"
#include "config/study.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct train_result {
    int diverged; /* loss or gradient became non-finite, or the loss stayed far above its start */
    int64_t steps, tokens;
    double first_loss, last_loss; /* mean over the first / last epoch tenth */
} train_result;

/* Fine-tune m in place on x. A diverged run is a result, not an error: m is then undefined.
 * Not collective: one rank trains one variant. */
err train_classifier(encoder *m, const finetune_options *o, const examples *x, monitor *mon,
                     train_result *out);

typedef struct pretrain_result {
    int diverged;
    int64_t steps, tokens;
    double heldout_first, heldout_last; /* masked loss of the held-out 2 % before and after, nats */
} pretrain_result;

/* Masked-language model (80/10/10 dynamic masking) on x, data-parallel over all ranks: each step's batch is
 * cut into a fixed number of shards, whose gradients are summed reproducibly (fixsum.h), so the result
 * is the same bytes on any number of ranks. m has an mlm head. With a checkpoint path the state
 * (parameters, moments, step) is published there every `every` steps and taken up again. Collective. */
err pretrain(const par *p, encoder *m, const pretrain_options *o, uint64_t seed, const wordpiece *w,
             const examples *x, const char *checkpoint, int64_t every, monitor *mon,
             pretrain_result *out);

#endif
