/* the command line of the jobs that work on a study, and the study's repetitions over seeds */
#include "context.h"
#include "limits.h"
#include "seeds.h"

#include "base/arena.h"
#include "config/seeds.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

typedef struct arguments {
    const char *file;
    const char **set; /* (n_set) */
    int n_set;
    int64_t seed; /* 0: all of them */
    limits limits;
} arguments;

static error_t parse_seed(const char *arg, struct argp_state *state, int64_t *out) {
    char *end;
    errno = 0;
    long long seed = strtoll(arg, &end, 10);
    if (errno || *end || end == arg || seed < 1)
        argp_error(state, "--seed: expected one of the study's seeds, got \"%s\"", arg);
    *out = seed;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->limits;
        return 0;
    case 's':
        a->set[a->n_set++] = arg;
        return 0;
    case 'k':
        return parse_seed(arg, state, &a->seed);
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one study at a time, got \"%s\" and \"%s\"", a->file, arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "which study? give a YAML file, e.g. configs/demo.yaml");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err read_study(int argc, char **argv, const char *doc, int64_t *seed, limits *l,
                      study **out) {
    static const struct argp_option options[] = {
        {"set", 's', "OPTION=VALUE", 0, "override one option, e.g. attack.examples=50", 0},
        {"seed", 'k', "K", 0, "of a study with seeds, only this repetition", 0},
        {0}};
    static const struct argp_child children[] = {{&limits_argp, 0, "When to stop:", 1}, {0}};
    const struct argp argp = {options, parse, "STUDY.yaml", doc, children, NULL, NULL};
    arguments a = {0};
    CALL(mem_alloc((size_t)argc + 1, sizeof *a.set, &a.set));
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    err e = study_read(a.file, a.set, a.n_set, out);
    free(a.set);
    *seed = a.seed;
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
    study *s = NULL, *one = NULL;
    int64_t seed = 0;
    int finished;
    limits l;
    err e = read_study(argc, argv, doc, &seed, &l, &s);
    if (e == OK && seed)
        e = seeds_study(s, seed, &one);
    TRY(par_agree(p, e));
    if (one)
        e = one_study(p, &one, &l, fn, &finished);
    else if (s->study.seeds.n == 0)
        e = one_study(p, &s, &l, fn, &finished);
    else
        e = all_seeds(p, s, &l, fn);
done:
    study_free(&one);
    study_free(&s);
    return e;
}
