#include "context.h"
#include "job.h"

/* the order of a study, in one place; each stage does only what the study's folder lacks */
static err run(context *c) {
    CALL(context_check_grid(c));
    CALL(stage_prepare(c));
    CALL(context_check_attack(c));
    CALL(stage_pretrain(c));
    CALL(stage_finetune(c));
    CALL(stage_soup(c));
    CALL(stage_prune(c));
    CALL(stage_attack(c));
    return stage_report(c);
}

err job_run(const par *p, int argc, char **argv) {
    return context_job(
        p, argc, argv,
        "Carry out a study from raw text to table. Started again, it does only what is "
        "missing. Progress goes to standard error, the table to standard output.",
        run);
}
