#include "study_args.h"

#include "base/arena.h"
#include "config/seeds.h"

#include <errno.h>
#include <stdlib.h>

static const struct argp_option OPTIONS[] = {
    {"set", 's', "OPTION=VALUE", 0, "override one option, e.g. attack.examples=50", 0},
    {"seed", 'k', "K", 0, "of a study with seeds, only this repetition", 0},
    {0}};

static void parse_seed(const char *arg, struct argp_state *state, int64_t *out) {
    char *end;
    errno = 0;
    long long seed = strtoll(arg, &end, 10);
    if (errno || *end || end == arg || seed < 1)
        argp_error(state, "--seed: expected one of the study's seeds, got \"%s\"", arg);
    *out = seed;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    study_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        return mem_alloc((size_t)state->argc + 1, sizeof *a->set, &a->set) == OK ? 0 : ENOMEM;
    case 's':
        a->set[a->n_set++] = arg;
        return 0;
    case 'k':
        parse_seed(arg, state, &a->seed);
        return 0;
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

const struct argp study_args_argp = {OPTIONS, parse, "STUDY.yaml", NULL, NULL, NULL, NULL};

void study_args_free(study_args *a) {
    free(a->set);
    *a = (study_args){0};
}

err study_args_read(const study_args *a, study **out) {
    study *all = NULL;
    *out = NULL;
    CHECK(a->file, ERR_FAILED, "out of memory"); /* the parser did not come to its end */
    CALL(study_read(a->file, a->set, a->n_set, a->seed ? &all : out));
    if (!a->seed)
        return OK;
    err e = seeds_study(all, a->seed, out);
    study_free(&all);
    return e;
}
