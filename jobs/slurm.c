/* slurm: print the script that runs a study under SLURM */
#include "job.h"
#include "slurm_script.h"
#include "study_args.h"

#include "config/seeds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAIN = 256, ARRAY, FOLDER, MAX_TIME, MAX_RESTARTS, SELF_INTERRUPT };

static const struct argp_option OPTIONS[] = {
    {"chain", CHAIN, NULL, 0, "a job a stage, each after the one before it", 1},
    {"array", ARRAY, NULL, 0, "a task for each of the study's seeds, then their report", 1},
    {"folder", FOLDER, NULL, 0, "print only the folder of the study", 1},
    {"max-time", MAX_TIME, "T", OPTION_HIDDEN, NULL, 2},
    {"max-restarts", MAX_RESTARTS, "N", OPTION_HIDDEN, NULL, 2},
    {"self-interrupt", SELF_INTERRUPT, "STEP", OPTION_HIDDEN, NULL, 2},
    {0}};

/* of the run itself */
static const char *const handed_on[] = {"--max-time", "--max-restarts", "--self-interrupt"};

typedef struct arguments {
    slurm_script script;
    study_args study;
    int folder;
    strbuf words; /* the run's own options, for the shell */
} arguments;

static err add_words(strbuf *words, const char *option, const char *value) {
    CALL(slurm_quote(words, option));
    return slurm_quote(words, value);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->study;
        state->child_inputs[1] = &a->script;
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
    case MAX_TIME:
    case MAX_RESTARTS:
    case SELF_INTERRUPT:
        return add_words(&a->words, handed_on[key - MAX_TIME], arg) == OK ? 0 : ENOMEM;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* what names the study, for the shell */
static err quote_study(const study_args *a, strbuf *words) {
    char seed[32];
    CALL(slurm_quote(words, a->file));
    for (int i = 0; i < a->n_set; i++)
        CALL(add_words(words, "--set", a->set[i]));
    snprintf(seed, sizeof seed, "%lld", (long long)a->seed);
    return a->seed ? add_words(words, "--seed", seed) : OK;
}

static err print_script(arguments *a, const study *s) {
    strbuf words = {0}, seeds = {0}, text = {0};
    slurm_script *x = &a->script;
    err e;
    TRY(quote_study(&a->study, &words));
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
    static const struct argp_child children[] = {
        {&study_args_argp, 0, NULL, 2}, {&slurm_settings_argp, 0, "A job:", 3}, {0}};
    static const struct argp argp = {
        OPTIONS,
        parse,
        NULL,
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
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    err e = study_args_read(&a.study, &s); /* checked here, not on the cluster */
    if (e == OK && a.folder) {
        e = seeds_folder(s, folder);
        if (e == OK)
            puts(folder);
    } else if (e == OK) {
        e = print_script(&a, s);
    }
    study_free(&s);
    strbuf_free(&a.words);
    study_args_free(&a.study);
    return e;
}
