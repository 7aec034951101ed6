#include "attack_choice.h"

#include <stdio.h>

static const struct argp_option OPTIONS[] = {
    {"model", 'n', "NAME", 0, "only this model of the table", 0},
    {"recipe", 'p', "NAME", 0, "of a study with several (the study's attack.recipe)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    attack_choice *c = state->input;
    switch (key) {
    case 'n':
        c->model = arg;
        return 0;
    case 'p':
        c->recipe = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (c->study)
            argp_error(state, "one study at a time, got \"%s\" and \"%s\"", c->study, arg);
        c->study = arg;
        return 0;
    case ARGP_KEY_END:
        if (!c->study)
            argp_error(state, "which study? give its folder, e.g. results/demo");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp attack_choice_argp = {OPTIONS, parse, NULL, NULL, NULL, NULL, NULL};

static err print(const stored *s, const attack_choice *c, attack_choice_fn fn, void *state) {
    const store_model *only = NULL;
    recipe how;
    strbuf text = {0};
    CALL(stored_recipe(s, c->recipe, &how));
    if (c->model)
        CALL(stored_model(s, c->model, &only));
    err e = fn(state, s, &how, only, &text);
    if (e == OK && text.len > 0)
        fwrite(text.text, 1, text.len, stdout); /* failures are seen when main flushes */
    strbuf_free(&text);
    return e;
}

err attack_choice_print(const par *p, const attack_choice *c, attack_choice_fn fn, void *state) {
    stored s;
    CALL(stored_open(p, c->study, &s));
    err e = p->rank == 0 ? print(&s, c, fn, state) : OK;
    stored_close(&s);
    return par_agree(p, e);
}
