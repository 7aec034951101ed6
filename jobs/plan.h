/* plan.h: what a study would take, before it is carried out. */
#ifndef ESPALIER_JOBS_PLAN_H
#define ESPALIER_JOBS_PLAN_H

#include "context.h"

#include "sweep/available.h"
#include "sweep/calibrate.h"
#include "sweep/need.h"

typedef struct study_plan {
    context *c;           /* prepared in a folder of its own */
    encoder_config shape; /* with the classifier */
    int ranks, seeds, measured;
    calibration speed;
    double *seconds; // (n_variants) on one rank
    int64_t corpus_tokens, corpus_texts;
    examples corpus;         /* the first texts of it */
    need finetune, pretrain; /* the largest */
    available room;
} study_plan;

typedef struct plan_stage {
    const char *name, *basis;
    double seconds; /* of one rank */
} plan_stage;

enum { PLAN_STAGES = 5 };

/* Fill in all but context, shape, ranks and seeds. calibrated: measure the speed. Collective. */
err plan_measure(study_plan *p, int calibrated);

/* Core-seconds of each stage; needs speed. */
void plan_hours(const study_plan *p, plan_stage out[PLAN_STAGES]);
/* What recorded queries (attack.trace) take, at as many queries a token as plan_hours assumes. */
typedef struct plan_trace {
    int attacks; /* models times recipes */
    double queries;
    double memory; /* bytes a rank */
    double disk;   /* bytes of study.h5 and the journal */
} plan_trace;
void plan_traces(const study_plan *p, plan_trace *out);
/* Core-seconds of pruning, with so many weights in all blocks; its memory a rank as a line of the
 * plan. */
double plan_prune_seconds(const study_plan *p, double weights);
err plan_print_prune(const study_plan *p, strbuf *out);
/* Everything as text. */
err plan_print(const study_plan *p, strbuf *out);

#endif
