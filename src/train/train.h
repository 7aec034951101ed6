/* train.h: fine-tuning and pre-training loops (AdamW, arXiv 1711.05101; linear warm-up and decay).
 *
 * The order of examples is a shuffle by (seed, epoch); batches never depend on ranks. Monitors may
 * be NULL; the loops set their total. */
#ifndef ESPALIER_TRAIN_TRAIN_H
#define ESPALIER_TRAIN_TRAIN_H

#include "base/monitor.h"
#include "config/study.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct train_result {
    int diverged;          /* see train/divergence.h */
    int64_t steps, tokens; /* done; of a diverged run up to where it was noticed */
    double first_loss,
        last_loss; /* mean over the steps of the first and last tenth of an epoch, nats */
} train_result;

/* Fine-tune m in place on x. A diverged run is a result, not an error: m is then undefined. A pure
 * function of (m, o, x). ERR_DATA: no examples, a label that m has no class for; ERR_STOPPED: this
 * rank was asked to stop. mon is begun and ended by the caller, who has a name for it; its total is
 * set here. Not collective: one rank trains one variant. */
err train_classifier(encoder *m, const finetune_options *o, const examples *x, monitor *mon,
                     train_result *out);

typedef struct pretrain_result {
    int diverged;
    int64_t steps, tokens;
    double heldout_first, heldout_last; /* masked loss of the held-out 2 % before and after, nats;
                                           NaN if no token of them is masked or the run diverged */
} pretrain_result;

/* Masked-language model (80/10/10 dynamic masking) on x, data-parallel over all ranks: each step's
 * batch is cut into a fixed number of shards, whose gradients are summed reproducibly (fixsum.h),
 * so the result is the same bytes on any number of ranks. m has an mlm head and is the same on
 * every rank; x and w too. 2 % of the sequences (at least 8, or half of fewer than 16) are held
 * out, drawn by seed. mon is begun and ended here.
 *
 * With a checkpoint path the state (parameters, moments, step) is published there every `every`
 * steps (0: only when asked to stop) and taken up again by a later call, which then gives the same
 * bytes as one that was never interrupted. The caller removes the file once the model is published.
 * ERR_STOPPED: a rank was asked to stop and the checkpoint is written; ERR_DATA: fewer than two
 * sequences, no [MASK] in the vocabulary, a checkpoint of another run. Collective. */
err pretrain(const par *p, encoder *m, const pretrain_options *o, uint64_t seed, const wordpiece *w,
             const examples *x, const char *checkpoint, int64_t every, monitor *mon,
             pretrain_result *out);

#endif
