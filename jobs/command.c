/* the command line up to the job: which job, how loud, and what is left for the job */
#include "command.h"
#include "version.h"

#include "base/strbuf.h"
#include "config/nearest.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const char *name, *help;
    job_fn run;
} job;

static const job jobs[] = {
#define JOB_ROW(name, help) {#name, help, job_##name},
    JOBS(JOB_ROW)
#undef JOB_ROW
};
enum { N_JOBS = sizeof jobs / sizeof *jobs };

typedef struct arguments {
    log_level level;
    const job *job;
    int at; /* of the job's name in argv */
} arguments;

static const job *find_job(struct argp_state *state, const char *name) {
    nearest near = {.word = name};
    for (int i = 0; i < N_JOBS; i++) {
        if (strcmp(jobs[i].name, name) == 0)
            return &jobs[i];
        nearest_offer(&near, jobs[i].name);
    }
    if (near.best)
        argp_error(state, "unknown job \"%s\"; did you mean \"%s\"?", name, near.best);
    argp_error(state, "unknown job \"%s\"", name);
    return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case 'q':
        a->level = LOG_QUIET;
        return 0;
    case 'v':
        a->level = LOG_VERBOSE;
        return 0;
    case ARGP_KEY_ARG:
        a->job = find_job(state, arg);
        a->at = state->next - 1;
        state->next = state->argc; /* the rest is the job's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which job?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *list_jobs(int key, const char *text, void *input) {
    (void)input;
    strbuf b = {0};
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    err e = strbuf_printf(&b, "Jobs (`espalier JOB --help' tells more):\n");
    for (int i = 0; i < N_JOBS && e == OK; i++)
        e = strbuf_printf(&b, "  %-10s %s\n", jobs[i].name, jobs[i].help);
    if (e == OK)
        e = strbuf_printf(
            &b, "\nExit: 0 done, 1 failed, 2 usage or configuration, 65 bad data, 74 input or "
                "output, 75 stopped at a checkpoint: start again.\n");
    return e == OK ? b.text : NULL;
}

static void print_version(FILE *to, struct argp_state *state) {
    (void)state;
    fprintf(to, "espalier %s\n%s, %s\n", version_text(), version_compiler(), version_flags());
}

static void read_arguments(int argc, char **argv, arguments *a) {
    static const struct argp_option options[] = {
        {"verbose", 'v', NULL, 0, "say more; allowed after the job's name too", 0},
        {"quiet", 'q', NULL, 0, "only warnings and errors", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "JOB [ARGUMENT...]",
                              "Fine-tune, average, prune and attack transformer encoders.\v.",
                              NULL,
                              list_jobs,
                              NULL};
    static char name[] = "espalier"; /* in messages, however it was called */
    argv[0] = name;
    argp_err_exit_status = ERR_USAGE;
    argp_program_version_hook = print_version;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, a);
}

/* what stands behind the job's name, without the options that are everybody's */
static void job_arguments(int argc, char **argv, int at, command *c) {
    int ours = 1;
    for (int i = at + 1; i < argc; i++) {
        const char *t = argv[i];
        ours &= strcmp(t, "--") != 0;
        int quiet = ours && (strcmp(t, "-q") == 0 || strcmp(t, "--quiet") == 0);
        int verbose = ours && (strcmp(t, "-v") == 0 || strcmp(t, "--verbose") == 0);
        c->alone |=
            ours && (strcmp(t, "--help") == 0 || strcmp(t, "-?") == 0 || strcmp(t, "--usage") == 0);
        if (quiet || verbose)
            c->level = quiet ? LOG_QUIET : LOG_VERBOSE;
        else
            c->argv[c->argc++] = argv[i];
    }
}

err command_read(int argc, char **argv, command *c) {
    arguments a = {.level = LOG_NORMAL};
    read_arguments(argc, argv, &a);
    *c =
        (command){.run = a.job->run, .level = a.level, .alone = a.job->run == job_slurm, .argc = 1};
    c->argv = calloc((size_t)argc + 2, sizeof *c->argv);
    CHECK(c->argv, ERR_FAILED, "out of memory");
    snprintf(c->name, sizeof c->name, "espalier %s", a.job->name);
    c->argv[0] = c->name;
    job_arguments(argc, argv, a.at, c);
    return OK;
}
