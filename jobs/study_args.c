#include "study_args.h"

#include "base/arena.h"
#include "config/seeds.h"
#include "io/atomic_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* The file that path means: itself, or in a folder its study.yaml. */
static err find_file(const char *path, char file[4096]) {
    struct stat s;
    CHECK(snprintf(file, 4096, "%s", path) < 4096, ERR_USAGE, "%.80s…: the path is too long", path);
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
        return OK;
    CALL(path_join(file, path, "study.yaml"));
    CHECK(path_exists(file), ERR_USAGE,
          "%s: a folder without study.yaml: give a study's YAML file, or its folder", path);
    return OK;
}

/* The folder of a study whose own study.yaml this file is, "" of any other file. */
static err find_folder(const char *file, option_text dir) {
    const char *name = path_name(file);
    const size_t n = (size_t)(name - file); /* with the / behind the folder */
    char journal[4096];
    dir[0] = '\0';
    if (strcmp(name, "study.yaml") != 0 || n >= sizeof(option_text))
        return OK;
    option_text folder = ".";
    if (n > 0)
        snprintf(folder, sizeof folder, "%.*s", (int)(n > 1 ? n - 1 : n), file);
    CALL(path_join(journal, folder, "journal"));
    if (path_exists(journal))
        memcpy(dir, folder, sizeof folder);
    return OK;
}

err study_args_read(const study_args *a, study **out) {
    study *all = NULL;
    char file[4096];
    option_text dir;
    *out = NULL;
    CHECK(a->file, ERR_FAILED, "out of memory"); /* the parser did not come to its end */
    CALL(find_file(a->file, file));
    CALL(find_folder(file, dir));
    CALL(study_read(file, a->set, a->n_set, &all));
    if (!all->study.directory[0])
        memcpy(all->study.directory, dir, sizeof dir);
    if (!a->seed) {
        *out = all;
        return OK;
    }
    err e = seeds_study(all, a->seed, out);
    study_free(&all);
    return e;
}
