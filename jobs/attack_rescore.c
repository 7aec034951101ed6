/* attack --rescore: Aua within narrower limits, from the queries that a study recorded */
#include "attack_choice.h"
#include "attack_modes.h"
#include "attack_rescored.h"

#include "attack/recipe.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    attack_choice choice;
    rescored_values of[RESCORED_KINDS];
} arguments;

static void read_values(struct argp_state *state, const char *name, const char *text,
                        rescored_values *out) {
    *out = (rescored_values){.given = 1};
    for (const char *at = text; *at; at += *at == ',') {
        char *end;
        const double v = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !isfinite(v) || out->n == RESCORED_VALUES)
            argp_error(state, "--%s: expected up to %d numbers with commas between, got \"%s\"",
                       name, (int)RESCORED_VALUES, text);
        out->v[out->n++] = v;
        at = end;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->choice;
        return 0;
    case 'r':
        return 0;
    case 'b':
        read_values(state, "queries", arg, &a->of[RESCORED_QUERIES]);
        return 0;
    case 'm':
        read_values(state, "similarity", arg, &a->of[RESCORED_SIMILARITY]);
        return 0;
    case 'c':
        read_values(state, "changed", arg, &a->of[RESCORED_CHANGED]);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* NULL: value v of this kind was asked for in the recorded attacks, whose budget and recipe these
 * are */
static const char *refusal(int64_t budget, const recipe *how, int kind, double v) {
    if (kind == RESCORED_QUERIES) {
        if (v < 1 || (budget > 0 && v > (double)budget))
            return "the recorded attacks were allowed fewer queries";
    } else if (kind == RESCORED_SIMILARITY) {
        if (how->similarity == RECIPE_OWN)
            return "the recorded attacks tested no similarity";
        if (v < how->similarity || v > 1.0)
            return "what is less similar than the recorded attacks' lowest was never asked about";
    } else if (v < 0.0 || v > how->max_changed) {
        return "the recorded attacks were allowed fewer changed words";
    }
    return NULL;
}

static int64_t most_queries(const stored *s) {
    int64_t most = 0;
    for (size_t i = 0; i < s->rows.n_attacks; i++)
        if (s->rows.attacks[i].queries > most)
            most = s->rows.attacks[i].queries;
    return most;
}

/* what cannot be read is refused where it was given and left out of the defaults, as are budgets
 * that no example reached */
static err keep_narrower(const stored *s, const recipe *how, rescored_values *of) {
    const double most = (double)most_queries(s);
    for (int k = 0; k < RESCORED_KINDS; k++) {
        int kept = 0;
        for (int i = 0; i < of[k].n; i++) {
            const double v = of[k].v[i];
            const char *why = refusal(s->s->attack.query_budget, how, k, v);
            CHECK(!why || !of[k].given, ERR_USAGE, "%s/study.h5: %g: %s", s->dir, v, why);
            if (of[k].given || (!why && (k != RESCORED_QUERIES || v < most)))
                of[k].v[kept++] = v;
        }
        of[k].n = kept;
    }
    return OK;
}

static err print(void *state, const stored *s, const recipe *how, const store_model *only,
                 strbuf *out) {
    arguments *a = state;
    CALL(keep_narrower(s, how, a->of));
    return rescored_print(s, how, only, a->of, out);
}

err attack_rescore(const par *p, int argc, char **argv) {
    static const struct argp_child children[] = {{&attack_choice_argp, 0, NULL, 0}, {0}};
    static const struct argp_option options[] = {
        {"rescore", 'r', NULL, 0, "this", 0},
        {"queries", 'b', "N,N,...", 0, "query budgets of an example (10,20,50,100,200,500,1000)",
         0},
        {"similarity", 'm', "S,S,...", 0, "lowest similarities of a candidate (0.85,0.9,0.95)", 0},
        {"changed", 'c', "F,F,...", 0, "shares of a text's words, rounded up (0.05,0.1,0.2,0.4)",
         0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "STUDY",
        "Print Aua within narrower limits than a finished study's attack had, from its recorded "
        "queries: no model is asked. STUDY is its folder or .yaml. Each figure says whether it is "
        "exact or a bound.",
        children,
        NULL,
        NULL};
    arguments a = {.of = {{7, 0, {10, 20, 50, 100, 200, 500, 1000}},
                          {3, 0, {0.85, 0.9, 0.95}},
                          {4, 0, {0.05, 0.1, 0.2, 0.4}}}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return attack_choice_print(p, &a.choice, print, &a);
}
