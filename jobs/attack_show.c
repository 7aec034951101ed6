/* attack --show: adversarial examples of a finished study, as text with marked words or as TSV */
#include "attack_choice.h"
#include "attack_modes.h"
#include "attack_shown.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct arguments {
    attack_choice choice;
    const char *outcome, *colour;
    int tsv;
    long rows;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->choice;
        return 0;
    case 'w':
        return 0;
    case 'o':
        a->outcome = arg;
        return 0;
    case 'l':
        a->colour = arg;
        return 0;
    case 't':
        a->tsv = 1;
        return 0;
    case 'f':
        a->rows = strtol(arg, &end, 10);
        if (*end || end == arg || a->rows < 1)
            argp_error(state, "--first: expected a number of examples, got \"%s\"", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* no-color.org: any non-empty NO_COLOR means none */
static int wants_colour(const char *when) {
    const char *no = getenv("NO_COLOR");
    if (strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(STDOUT_FILENO) && !(no && no[0]);
}

static err choose(const arguments *a, shown *out) {
    static const char *const outcomes[] = {"success", "failed", "skipped", "errored", "all"};
    static const char *const colours[] = {"auto", "always", "never"};
    int known = 0, colour = 0;
    for (int i = 0; i < 5; i++)
        known |= strcmp(a->outcome, outcomes[i]) == 0;
    for (int i = 0; i < 3; i++)
        colour |= strcmp(a->colour, colours[i]) == 0;
    CHECK(known, ERR_USAGE,
          "--outcome: expected success, failed, skipped, errored or all, got \"%s\"", a->outcome);
    CHECK(colour, ERR_USAGE, "--colour: expected auto, always or never, got \"%s\"", a->colour);
    *out = (shown){.outcome = a->outcome,
                   .tsv = a->tsv,
                   .colour = !a->tsv && wants_colour(a->colour),
                   .most = a->rows};
    return OK;
}

static err print(void *state, const stored *s, const recipe *by, const store_model *only,
                 strbuf *out) {
    shown how;
    CALL(choose(state, &how));
    if (how.tsv)
        CALL(shown_head(out));
    for (size_t i = 0; i < s->rows.n_models; i++)
        if (!only || only == &s->rows.models[i])
            CALL(shown_model(s, &s->rows.models[i], by->name, &how, out));
    return OK;
}

err attack_show(const par *p, int argc, char **argv) {
    static const struct argp_child children[] = {{&attack_choice_argp, 0, NULL, 0}, {0}};
    static const struct argp_option options[] = {
        {"show", 'w', NULL, 0, "this", 0},
        {"outcome", 'o', "WHICH", 0, "success, failed, skipped, errored or all (success)", 0},
        {"first", 'f', "N", 0, "at most so many of each model (all)", 0},
        {"tsv", 't', NULL, 0,
         "tab-separated values with a header; tabs, line ends and backslashes in texts as \\t, "
         "\\n, "
         "\\r, \\\\",
         0},
        {"colour", 'l', "WHEN", 0, "auto, always or never (auto: on a terminal, not with NO_COLOR)",
         0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "STUDY",
        "Print what became of the examples of a finished study's attack: changed words in colour, "
        "or between [[ and ]]. STUDY is its folder or .yaml.",
        children,
        NULL,
        NULL};
    arguments a = {.outcome = "success", .colour = "auto", .rows = -1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return attack_choice_print(p, &a.choice, print, &a);
}
