/* pruning.h: models on their way through one dense encoder, block by block and stage by stage, all
 * at the same place. What belongs to the dense model alone is computed once for all of them: its
 * states and outputs, the sums of its inputs; and what several of them ask in the same words: the
 * first stage's sums and factors, where no prefix differs yet, and all of a stage's factors and OBS
 * traces for methods that look at the dense model only. Private to prune. */
#ifndef ESPALIER_PRUNE_PRUNING_H
#define ESPALIER_PRUNE_PRUNING_H

#include "prune/calibration.h"
#include "prune/prune.h"
#include "prune/way.h"

/* one of them */
typedef struct pruning {
    const prune_job *j;
    way way;
    pattern pattern;
    double trace;      /* OBS: share that a row's run goes on to, 0: its own */
    encoder *m;        /* the model that is being pruned */
    prune_layer *rows; // (6 L + 2)
    int n;             /* rows so far */
    double *share;     // (6 L) of each linear's weights that are removed, in the rows' order
    int finished;      /* blocks that a checkpoint brought */
    char key[65];      /* of the checkpoint */
} pruning;

typedef struct prunings {
    const par *p;
    const encoder *dense;
    const prune_options *o;
    pruning *one; // (n)
    int n;
    calibration *c; /* track 0: dense, k + 1: one[k].m */
    char how[64];   /* to factor, as linalg.h takes it */
} prunings;

/* Sums, then weights, of the calibration's current stage, for all that have not finished its block.
 * Collective. */
err pruning_stage(prunings *s);

/* Pooler and classifier of those that re-fit them, after the last block. Collective. */
err pruning_head(prunings *s);

#endif
