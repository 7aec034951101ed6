/* slurm: print the script that runs a study under SLURM */
#include "job.h"
#include "slurm_script.h"

#include "base/arena.h"
#include "config/seeds.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAIN = 256, ARRAY, FOLDER, MAX_TIME, MAX_RESTARTS, SELF_INTERRUPT };

static const struct argp_option OPTIONS[] = {
    {"chain", CHAIN, NULL, 0, "a job for each stage, each after the one before it", 1},
    {"array", ARRAY, NULL, 0, "a task for each of the study's seeds, then their report", 1},
    {"folder", FOLDER, NULL, 0, "print only the folder of the study", 1},
    {"set", 's', "OPTION=VALUE", 0, "override one option, e.g. attack.examples=50", 2},
    {"seed", 'k', "K", 0, "of a study with seeds, only this repetition", 2},
    {"max-time", MAX_TIME, "T", OPTION_HIDDEN, NULL, 2},
    {"max-restarts", MAX_RESTARTS, "N", OPTION_HIDDEN, NULL, 2},
    {"self-interrupt", SELF_INTERRUPT, "STEP", OPTION_HIDDEN, NULL, 2},
    {0}};

/* of the run itself */
static const char *const handed_on[] = {"--max-time", "--max-restarts", "--self-interrupt"};

typedef struct arguments {
    slurm_script script;
    const char *file, *seed;
    const char **set; /* (n_set) */
    int n_set, folder;
    strbuf words; /* for the shell, without the file */
} arguments;

static error_t add_words(arguments *a, const char *option, const char *value) {
    err e = slurm_quote(&a->words, option);
    if (e == OK)
        e = slurm_quote(&a->words, value);
    return e == OK ? 0 : ENOMEM;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->script;
        return 0;
    case CHAIN:
    case ARRAY:
        if (a->script.kind != SLURM_RUN)
            argp_error(state, "one of --chain and --array");
        a->script.kind = key == CHAIN ? SLURM_CHAIN : SLURM_ARRAY;
        return 0;
    case FOLDER:
        a->folder = 1;
        return 0;
    case 's':
        a->set[a->n_set++] = arg;
        return add_words(a, "--set", arg);
    case 'k':
        a->seed = arg;
        return add_words(a, "--seed", arg);
    case MAX_TIME:
    case MAX_RESTARTS:
    case SELF_INTERRUPT:
        return add_words(a, handed_on[key - MAX_TIME], arg);
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

/* the study, or its one repetition; both are checked here, not on the cluster */
static err open_study(const arguments *a, study **out) {
    study *one = NULL;
    CALL(study_read(a->file, a->set, a->n_set, out));
    if (!a->seed)
        return OK;
    err e = seeds_study(*out, atoll(a->seed), &one);
    study_free(out);
    *out = one;
    return e;
}

static err print_script(arguments *a, const study *s) {
    strbuf words = {0}, seeds = {0}, text = {0};
    slurm_script *x = &a->script;
    err e;
    TRY(slurm_quote(&words, a->file));
    if (a->words.len)
        TRY(strbuf_printf(&words, " %s", a->words.text));
    if (x->kind == SLURM_ARRAY)
        TRY(slurm_seeds(s, &seeds));
    x->study = words.text;
    x->seeds = seeds.text;
    x->name = s->study.name;
    TRY(slurm_fill(x, &text));
    fputs(text.text, stdout);
done:
    strbuf_free(&words);
    strbuf_free(&seeds);
    strbuf_free(&text);
    return e;
}

err job_slurm(const par *p, int argc, char **argv) {
    static const struct argp_child children[] = {{&slurm_settings_argp, 0, "A job:", 3}, {0}};
    static const struct argp argp = {
        OPTIONS,
        parse,
        "STUDY.yaml",
        "Print the script that runs a study under SLURM, filled in: for sbatch, or with --chain "
        "and "
        "--array for a shell, which then submits the jobs and prints their ids.",
        children,
        NULL,
        NULL};
    arguments a = {0};
    option_text folder;
    study *s = NULL;
    (void)p;
    CALL(mem_alloc((size_t)argc + 1, sizeof *a.set, &a.set));
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    err e = open_study(&a, &s);
    if (e == OK && a.folder) {
        e = seeds_folder(s, folder);
        if (e == OK)
            puts(folder);
    } else if (e == OK) {
        e = print_script(&a, s);
    }
    study_free(&s);
    strbuf_free(&a.words);
    free(a.set);
    return e;
}
