#include "config/draws.h"

#include "base/rng.h"
#include "config/variants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const KINDS[] = {"choice", "uniform", "log_uniform"};

static const option HOW_MANY = {.name = "draw",
                                .type = OPTION_INTEGER,
                                .fallback = "1",
                                .low = 1,
                                .high = STUDY_MAX_VARIANTS,
                                .unit = "variants"};
static const option SEED = {
    .name = "seed", .type = OPTION_INTEGER, .fallback = "0", .low = 0, .high = 4294967295.0};

/* a bound through the checks of its option, as a number */
static err read_bound(const draw_axis *a, const node *value, double *out) {
    finetune_options scratch = {0};
    void *field = (char *)&scratch + a->o->offset;
    CALL(option_parse(a->o, "finetune.random.space", value, field));
    *out = a->o->type == OPTION_INTEGER ? (double)*(option_integer *)field : *(option_real *)field;
    return OK;
}

static err read_bounds(draw_axis *a, const node *bounds) {
    const char *name = a->o->name, *kind = KINDS[a->kind];
    CHECK(a->o->type == OPTION_INTEGER || a->o->type == OPTION_REAL, ERR_USAGE,
          "%s: finetune.random.space.%s: %s is for numbers; give a list of values to choose from",
          node_value_place(bounds).text, name, kind);
    const node *low = bounds->kind == NODE_LIST ? bounds->child : NULL;
    CHECK(low && low->next && !low->next->next, ERR_USAGE,
          "%s: finetune.random.space.%s: expected %s: [LOWEST, HIGHEST]",
          node_value_place(bounds).text, name, kind);
    CALL(read_bound(a, low, &a->low));
    CALL(read_bound(a, low->next, &a->high));
    CHECK(a->low < a->high, ERR_USAGE,
          "%s: finetune.random.space.%s: the lowest value (%s) must be below the highest (%s)",
          node_value_place(low).text, name, low->text, low->next->text);
    CHECK(a->kind != DRAW_LOG_UNIFORM || a->low > 0, ERR_USAGE,
          "%s: finetune.random.space.%s: log_uniform needs bounds above 0, got %s",
          node_value_place(low).text, name, low->text);
    return OK;
}

static err read_choice(draw_axis *a, const node *values) {
    CHECK(values->kind == NODE_LIST && values->child, ERR_USAGE,
          "%s: finetune.random.space.%s: expected a list of values to choose from",
          node_value_place(values).text, a->o->name);
    a->values = values;
    return variants_check_values("finetune.random.space", a->o, values, &a->n);
}

static err read_axis(const section *options, const node *member, draw_axis *a) {
    CALL(variants_find_option(options, member, "the space", &a->o));
    const node *only = member->kind == NODE_MAP ? member->child : NULL;
    if (member->kind == NODE_LIST)
        return read_choice(a, member);
    int kind = -1;
    for (int k = 0; only && !only->next && k < 3; k++)
        if (strcmp(only->key, KINDS[k]) == 0)
            kind = k;
    CHECK(kind >= 0, ERR_USAGE,
          "%s: finetune.random.space.%s: expected a list of values, {uniform: [LOWEST, HIGHEST]} "
          "or {log_uniform: [LOWEST, HIGHEST]}",
          node_value_place(member).text, a->o->name);
    a->kind = (draw_kind)kind;
    return a->kind == DRAW_CHOICE ? read_choice(a, only) : read_bounds(a, only);
}

static err read_space(const section *options, const node *space, const node *random, draws *d) {
    CHECK(space && space->kind == NODE_MAP && space->child, ERR_USAGE,
          "%s: finetune.random.space: expected options and where their values come from, e.g. "
          "{learning_rate: {log_uniform: [1e-5, 1e-3]}}, got %s",
          node_value_place(space ? space : random).text,
          space && space->kind != NODE_MAP ? node_describe(space).text : "none");
    for (const node *m = space->child; m; m = m->next)
        CALL(read_axis(options, m, &d->axis[d->n_axes++]));
    return OK;
}

/* how many different variants the space has, infinity for a real interval */
static double count(const draws *d) {
    double total = 1;
    for (int k = 0; k < d->n_axes; k++) {
        const draw_axis *a = &d->axis[k];
        if (a->kind == DRAW_CHOICE)
            total *= a->n;
        else
            total *= a->o->type == OPTION_INTEGER ? a->high - a->low + 1 : HUGE_VAL;
    }
    return total;
}

err draws_read(const node *random, const section *options, int64_t seed, int room, draws *out) {
    const node *space = NULL;
    option_integer n = 0, own = 0;
    *out = (draws){.at = random};
    if (!random)
        return OK;
    CHECK(random->kind == NODE_MAP, ERR_USAGE,
          "%s: finetune.random: expected draw: N and space: {OPTION: …}, got %s",
          node_value_place(random).text, node_describe(random).text);
    for (const node *m = random->child; m; m = m->next) {
        if (strcmp(m->key, "draw") == 0)
            CALL(option_parse(&HOW_MANY, "finetune.random", m, &n));
        else if (strcmp(m->key, "seed") == 0)
            CALL(option_parse(&SEED, "finetune.random", m, &own));
        else if (strcmp(m->key, "space") == 0)
            space = m;
        else
            RAISE(ERR_USAGE,
                  "%s: unknown option \"finetune.random.%s\"; there are draw, seed and space",
                  node_key_place(m).text, m->key);
    }
    CHECK(n > 0, ERR_USAGE, "%s: finetune.random.draw: how many variants?",
          node_value_place(random).text);
    CALL(read_space(options, space, random, out));
    CHECK(n <= room, ERR_USAGE, "%s: finetune.random: over %d variants",
          node_value_place(random).text, (int)STUDY_MAX_VARIANTS);
    CHECK((double)n <= count(out), ERR_USAGE,
          "%s: finetune.random: draw is %lld, but the space has only %.0f different variants",
          node_value_place(random).text, (long long)n, count(out));
    out->n = (int)n;
    out->seed = (uint64_t)(own ? own : seed);
    return OK;
}

/* FNV-1a of an option's name: its own stream of random numbers */
static uint32_t stream_of(const char *name) {
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* u: uniform in [0, 1) */
static double between(const draw_axis *a, double u) {
    int whole = a->o->type == OPTION_INTEGER;
    /* whole numbers get equal shares: the upper end is one further */
    double high = whole ? a->high + 1 : a->high;
    double x = a->kind == DRAW_LOG_UNIFORM ? a->low * exp(u * log(high / a->low))
                                           : a->low + u * (high - a->low);
    char text[32];
    snprintf(text, sizeof text, "%.3e", x);
    x = whole ? floor(x) : strtod(text, NULL);
    return fmin(fmax(x, a->low), a->high);
}

err draws_take(const draws *d, int i, int turn, finetune_options *o) {
    for (int k = 0; k < d->n_axes; k++) {
        const draw_axis *a = &d->axis[k];
        void *field = (char *)o + a->o->offset;
        rng_stream s = rng_open(d->seed, RNG_DRAW, stream_of(a->o->name), (uint32_t)i);
        double u = 0;
        for (int t = 0; t <= turn; t++)
            u = rng_uniform(&s);
        if (a->kind == DRAW_CHOICE) {
            const node *value = a->values->child;
            for (int skip = (int)(u * a->n); skip > 0; skip--)
                value = value->next;
            CALL(option_parse(a->o, "finetune.random.space", value, field));
        } else if (a->o->type == OPTION_INTEGER) {
            *(option_integer *)field = (option_integer)between(a, u);
        } else {
            *(option_real *)field = between(a, u);
        }
    }
    return OK;
}
