/* sweep.h: fine-tune every variant of a study, handed out to ranks longest first.
 *
 * A variant is trained on one rank; its model is published as models_dir/NAME, whole or not at all,
 * and then journalled. Starting again trains only what has no record; a model whose folder was lost
 * is made again. A variant that diverges is recorded as such, publishes nothing and stops nobody.
 */
#ifndef ESPALIER_SWEEP_SWEEP_H
#define ESPALIER_SWEEP_SWEEP_H

#include "config/study.h"
#include "eval/accuracy.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"
#include "train/train.h"

typedef struct sweep {
    const par *p;
    const char *journal_dir, *models_dir; /* a variant is published as models_dir/NAME */
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
    train_result train;
    accuracy heldout; /* zeros if diverged */
    double seconds; /* of training, in this call; 0: already done. Of no table that must be the same
                       on any ranks */
    int rank;       /* that trained it in this call; -1: already done */
} sweep_result;

/* results (n), the same on every rank. ERR_DATA: a record that is not of this sweep, or a lost
 * model that does not come out as recorded; ERR_STOPPED: a rank was asked to stop. Collective. */
err sweep_run(const sweep *s, sweep_result *results);

#endif
