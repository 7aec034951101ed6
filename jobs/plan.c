/* what a study would take: variants, core-hours, memory, disk. Nothing of it is carried out. */
#include "plan.h"
#include "job.h"
#include "memory.h"
#include "study_args.h"

#include "base/log.h"
#include "config/seeds.h"
#include "io/atomic_file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    study_args study;
    int calibrate, ranks;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->study;
        return 0;
    case 'c':
        a->calibrate = 0;
        return 0;
    case 'n':
        a->ranks = atoi(arg);
        if (a->ranks < 1 || a->ranks > 1000000)
            argp_error(state, "--ranks: expected a number of ranks, got \"%s\"", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *f) {
    (void)s, (void)kind, (void)f;
    return remove(path);
}

static err print(const study_plan *p) {
    strbuf text = {0};
    err e = p->c->p->rank == 0 ? plan_print(p, &text) : OK;
    if (e == OK && text.text)
        fputs(text.text, stdout);
    strbuf_free(&text);
    CALL(par_agree(p->c->p, e));
    if (p->c->s->pretrain.epochs > 0)
        CALL(memory_fits(&p->room, "pre-training", &p->pretrain));
    return memory_fits(&p->room, "fine-tuning", &p->finetune);
}

/* the study as it is, but prepared in a folder that goes afterwards */
static err make_plan(const par *p, const arguments *a, const option_text scratch,
                     study_plan *plan) {
    study *s = NULL, *one = NULL;
    err e = study_args_read(&a->study, &s);
    if (e == OK && s->study.seeds.n > 0) {
        plan->seeds = s->study.seeds.n;
        e = seeds_study(s, s->study.seeds.v[0], &one);
    }
    TRY(par_agree(p, e));
    study **which = one ? &one : &s;
    memcpy((*which)->study.directory, scratch, sizeof(option_text));
    TRY(context_open(p, which, &plan->c));
    TRY(stage_prepare(plan->c));
    TRY(par_agree(p, start_shape(plan->c, 0, &plan->shape)));
    plan->shape.K = plan->c->train.K;
    TRY(plan_measure(plan, a->calibrate));
    TRY(print(plan));
done:
    study_free(&s);
    study_free(&one);
    return e;
}

static err open_scratch(const par *p, option_text scratch) {
    const char *tmp = getenv("TMPDIR");
    snprintf(scratch, sizeof(option_text), "%s/espalier-plan-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    err e = OK;
    if (p->rank == 0 && !mkdtemp(scratch))
        e = err_raise(ERR_IO, __FILE__, __LINE__, "cannot make a folder like %s", scratch);
    CALL(par_agree(p, e));
    return par_bcast(p, scratch, sizeof(option_text), 0);
}

err job_plan(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"no-calibrate", 'c', NULL, 0, "without measuring: no times", 0},
        {"ranks", 'n', "N", 0, "predict for so many ranks (default: those of this run)", 0},
        {0}};
    static const struct argp_child children[] = {{&study_args_argp, 0, NULL, 0}, {0}};
    static const char doc[] = "Print a study's variants, predicted core-hours, memory a rank and "
                              "disk, from a few seconds of training steps on this machine. Writes "
                              "nothing into the study's folder.";
    const struct argp argp = {options, parse, NULL, doc, children, NULL, NULL};
    arguments a = {.calibrate = 1, .ranks = p->size};
    study_plan plan = {.seeds = 1};
    option_text scratch;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    plan.ranks = a.ranks;
    err e = open_scratch(p, scratch);
    if (e == OK) {
        e = make_plan(p, &a, scratch, &plan);
        context_close(&plan.c);
        (void)par_barrier(p);
        if (p->rank == 0)
            nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    examples_free(&plan.corpus);
    free(plan.seconds);
    study_args_free(&a.study);
    return e;
}
