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

/* Where and when the state of a run is kept, so that it can go on after a stop or a kill. */
typedef struct train_place {
    const char *checkpoint; /* file (checkpoint.h); NULL: none, a run that is stopped starts over */
    int64_t every;          /* steps between checkpoints; 0: only when asked to stop */
    double seconds;         /* and of training between them, about; 0: no matter */
    int64_t interrupt_at;   /* as if asked to stop once this many steps are done; 0: never */
    int64_t pause_at; /* the same, also if it is taken up there: m is to be looked at; 0: never */
} train_place;

typedef struct train_result {
    int diverged;          /* see train/divergence.h */
    int64_t steps, tokens; /* done; of a diverged run up to where it was noticed */
    double first_loss,
        last_loss; /* mean over the steps of the first and last tenth of an epoch, nats */
    /* early stopping; 0 and NaN where it is off */
    int stopped_early;
    int64_t evaluations;
    int64_t best_step; /* the weights that m ends with are those after this step */
    double best_loss;  /* their held-out loss, mean, nats */
    /* of no table that must be the same however a run was interrupted: */
    int64_t restarts; /* how often the run was taken up from its checkpoint */
    int fallen_back;  /* 1: this time from the older one, because the newest was damaged */
} train_result;

/* Fine-tune m in place on x.
 *
 * A step is `accumulate` micro-batches of `batch` sequences; its gradient is that of the mean loss
 * over all their sequences. Every micro-batch is cut into `shards` parts (shards.h) that the ranks
 * of group share; ranks beyond that help with the optimiser and the evaluations alone. A diverged
 * run is a result, not an error: m is then undefined. A pure function of (m, o, x, heldout): never
 * of the ranks of group, nor of interruptions. m, o, x and heldout are the same on every rank, and
 * so is m afterwards. heldout is used for early stopping alone and may be NULL without it: its loss
 * is taken every evaluate_every steps (0: every epoch's last) and after the last one.
 *
 * place NULL: no checkpoint. A stop is agreed on before a step's gradient is used: the step is
 * dropped, the state before it is kept. The caller removes the checkpoint (checkpoint_remove) once
 * the model is published. ERR_DATA: no examples, a label that m has no class for, a checkpoint of
 * another run; ERR_STOPPED: a rank of group was asked to stop; ERR_FAILED: memory, or restarted too
 * often without progress. mon (NULL is allowed) is begun and ended by the caller, who has a name
 * for it; its total is set here. Collective over group. */
err train_classifier(const par *group, encoder *m, const finetune_options *o, const examples *x,
                     const examples *heldout, const train_place *place, monitor *mon,
                     train_result *out);

typedef struct pretrain_result {
    int diverged;
    int64_t steps, tokens;
    double heldout_first, heldout_last; /* masked loss of the held-out 2 % before and after, nats;
                                           NaN if no token of them is masked or the run diverged */
} pretrain_result;

/* Masked-language model (80/10/10 dynamic masking) on x, data-parallel over all ranks: each step's
 * batch is cut into a fixed number of shards, whose gradients are summed reproducibly (reduce.h),
 * so the result is the same bytes on any number of ranks. m has an mlm head and is the same on
 * every rank; x and w too. 2 % of the sequences (at least 8, or half of fewer than 16) are held
 * out, drawn by seed. mon is begun and ended here.
 *
 * place as above: a later call goes on from its checkpoint and gives the same bytes as one that was
 * never interrupted. ERR_STOPPED: a rank was asked to stop and the checkpoint is written; ERR_DATA:
 * fewer than two sequences, no [MASK] in the vocabulary, a checkpoint of another run; ERR_FAILED:
 * memory, or restarted too often without progress. Collective. */
err pretrain(const par *p, encoder *m, const pretrain_options *o, uint64_t seed, const tokenizer *w,
             const examples *x, const train_place *place, monitor *mon, pretrain_result *out);

#endif
