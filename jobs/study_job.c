/* the command line of the jobs that work on a study, and the study's repetitions over seeds */
#include "context.h"
#include "limits.h"
#include "seeds.h"
#include "study_args.h"

#include "config/seeds.h"

typedef struct arguments {
    study_args study;
    limits limits;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = &a->study;
    state->child_inputs[1] = &a->limits;
    return 0;
}

static err read_study(int argc, char **argv, const char *doc, limits *l, study **out) {
    static const struct argp_child children[] = {
        {&study_args_argp, 0, NULL, 0}, {&limits_argp, 0, "When to stop:", 1}, {0}};
    const struct argp argp = {NULL, parse, NULL, doc, children, NULL, NULL};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    err e = study_args_read(&a.study, out);
    study_args_free(&a.study);
    *l = a.limits;
    return e;
}

/* One study from open to close; finished: it got as far as its report. l NULL: one of several
 * repetitions, which have their limits in common. Takes *s over. */
static err one_study(const par *p, study **s, limits *l, stage_fn fn, int *finished) {
    context *c = NULL;
    CALL(context_open(p, s, &c));
    c->repeated = l == NULL;
    err e = l ? limits_begin(p, l, c->dir) : OK;
    int begun = l && e == OK;
    if (e == OK)
        e = fn(c);
    if (begun)
        e = limits_end(p, l, e);
    *finished = (c->done & 1u << REPORT) != 0;
    context_close(&c);
    return e;
}

static err all_seeds(const par *p, const study *s, limits *l, stage_fn fn) {
    seeds_run run = {.p = p, .s = s};
    int finished = 0, begun = 0;
    err e;
    TRY(seeds_open(&run));
    TRY(limits_begin(p, l, run.dir));
    begun = 1;
    for (int i = 0; i < s->study.seeds.n; i++) {
        study *one = NULL;
        TRY(par_agree(p, seeds_study(s, s->study.seeds.v[i], &one)));
        TRY(one_study(p, &one, NULL, fn, &finished));
    }
    if (finished)
        TRY(seeds_report(&run));
done:
    if (begun)
        e = limits_end(p, l, e);
    seeds_close(&run);
    return e;
}

err context_job(const par *p, int argc, char **argv, const char *doc, stage_fn fn) {
    study *s = NULL;
    int finished;
    limits l;
    err e;
    TRY(par_agree(p, read_study(argc, argv, doc, &l, &s)));
    if (s->study.seeds.n == 0)
        e = one_study(p, &s, &l, fn, &finished);
    else
        e = all_seeds(p, s, &l, fn);
done:
    study_free(&s);
    return e;
}
