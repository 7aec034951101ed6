/* sweep.h: fine-tune every variant of a study, handed out to ranks longest first. */
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
    const char *start_dir;   /* pretrained start (checkpoint or pre-training), NULL: random start */
    encoder_config shape;    /* for random starts; K set */
    uint64_t seed;           /* of the study: random starts */
    const variant *variants;
    int n;
    const examples *train, *heldout;
    int K;
    char (*label)[32]; /* class names (K), into config.json */
} sweep;

typedef struct sweep_result {
    train_result train;
    accuracy heldout; /* zeros if diverged */
    double seconds;   /* of training; not part of any table that must be the same on any ranks */
    int rank;
} sweep_result;

/* results (n). A variant that is published and journalled is not trained again. Collective. */
err sweep_run(const sweep *s, sweep_result *results);

#endif
