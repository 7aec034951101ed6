/* sweep.h: fine-tune every variant of a study, handed out to ranks and groups of ranks.
 *
 * Order: variants for more ranks first, among them the longest predicted (cost.h), each taken by
 * the next group that is free, so that no rank only waits (units.h). A variant's model is published
 * as models_dir/NAME, whole or not at all, and then journalled under its name. Starting again
 * trains only what has no record: variants may be added, and their order may change. A model whose
 * folder was lost is made again. A variant that diverges is recorded as such, publishes nothing and
 * stops nobody. So is one that is given up after its first epoch, where the study says so: its
 * held-out accuracy is not far enough above that of always giving the commonest class, which is a
 * rule that knows of no other variant and so of no order of work. One that was begun and not left
 * in order (its program crashed or was killed, or it failed) comes last at the next start, and goes
 * on from its checkpoint. */
#ifndef ESPALIER_SWEEP_SWEEP_H
#define ESPALIER_SWEEP_SWEEP_H

#include "config/study.h"
#include "eval/accuracy.h"
#include "model/encoder.h"
#include "par/par.h"
#include "sweep/usage.h"
#include "text/dataset.h"
#include "train/train.h"

typedef struct sweep {
    const par *p;
    const char *journal_dir, *models_dir; /* a variant is published as models_dir/NAME */
    const char *checkpoints_dir;          /* state of unfinished variants; NULL: none is kept */
    const char *vocab;                    /* copied into every model */
    const char *start_dir; /* pretrained start (checkpoint or pre-training), NULL: random start */
    encoder_config shape;  /* for random starts; K set */
    uint64_t seed; /* of the study: random starts, and the classifier that all variants share */
    const variant *variants;
    int n;
    const examples *train, *heldout;
    int K;
    char (*label)[32]; /* class names (K), into config.json */
} sweep;

typedef struct sweep_result {
    train_result train; /* diverged: no model, also if it was given up */
    int given_up;       /* after its first epoch (finetune.give_up_margin); heldout is from then */
    accuracy heldout;   /* zeros if diverged */
    double seconds; /* of training, in this call; 0: already done. Of no table that must be the same
                       on any ranks */
    int rank;       /* first of those that trained it in this call; -1: already done */
    int ranks;      /* that trained it together in this call */
} sweep_result;

/* results (n), the same on every rank; usage may be NULL. ERR_DATA: a record of a variant with
 * other options, or a lost model that does not come out as recorded; ERR_STOPPED: a rank was asked
 * to stop. Collective. */
err sweep_run(const sweep *s, sweep_result *results, sweep_usage *usage);

#endif
