#include "config/variants.h"

#include "config/draws.h"
#include "config/nearest.h"
#include "config/option.h"
#include "config/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a draw that is like one before it is drawn again, so many times */
enum { TURNS = 1000 };

/* one option of a grid and its values */
typedef struct axis {
    const option *o;
    const node *values;
    int n;
} axis;

static int count_items(const node *n) {
    int count = 0;
    for (const node *item = n ? n->child : NULL; item; item = item->next)
        count++;
    return count;
}

err variants_find_option(const section *finetune, const node *member, const char *where,
                         const option **out) {
    *out = section_option(finetune, member->key);
    if (*out)
        return OK;
    nearest near = {.word = member->key};
    for (int i = 0; i < finetune->n; i++)
        nearest_offer(&near, finetune->options[i].name);
    RAISE(ERR_USAGE, "%s: unknown option \"%s\" in %s%s%s%s", node_key_place(member).text,
          member->key, where, near.best ? "; did you mean \"" : "", near.best ? near.best : "",
          near.best ? "\"?" : "");
}

/* the value of o in an options struct */
static void *field(finetune_options *options, const option *o) {
    return (char *)options + o->offset;
}

static err read_item(const section *finetune, const node *item, variant *v) {
    CHECK(item->kind == NODE_MAP, ERR_USAGE,
          "%s: expected a variant, e.g. {name: a, seed: 1}, got %s", node_value_place(item).text,
          node_describe(item).text);
    for (const node *m = item->child; m; m = m->next) {
        if (strcmp(m->key, "name") == 0) {
            node_place at = node_value_place(m);
            CHECK(m->kind == NODE_SCALAR, ERR_USAGE, "%s: name: expected one text, got %s", at.text,
                  node_describe(m).text);
            CALL(rules_name(&at, "variant", m->text));
            snprintf(v->name, sizeof v->name, "%s", m->text);
            continue;
        }
        const option *o;
        CALL(variants_find_option(finetune, m, "a variant", &o));
        CALL(option_parse(o, "finetune.variants", m, field(&v->o, o)));
    }
    return OK;
}

/* a value twice would train the same variant twice */
err variants_check_values(const char *in, const option *o, const node *values, int *n) {
    finetune_options one, other;
    *n = 0;
    for (const node *x = values->child; x; x = x->next, ++*n) {
        memset(&one, 0, sizeof one);
        CALL(option_parse(o, in, x, field(&one, o)));
        for (const node *y = values->child; y != x; y = y->next) {
            memset(&other, 0, sizeof other);
            CALL(option_parse(o, in, y, field(&other, o)));
            CHECK(memcmp(&one, &other, sizeof one) != 0, ERR_USAGE, "%s: %s.%s: %s is listed twice",
                  node_value_place(x).text, in, o->name, x->text);
        }
    }
    return OK;
}

/* axes (DRAW_AXES) of a grid and the number of their combinations, 0 without a grid */
static err read_axes(const section *finetune, const node *grid, int room, axis *axes, int *n_axes,
                     int *combinations) {
    *n_axes = *combinations = 0;
    if (!grid)
        return OK;
    CHECK(grid->kind == NODE_MAP && grid->child, ERR_USAGE,
          "%s: finetune.grid: expected options with lists, e.g. {seed: [1, 2]}, got %s",
          node_value_place(grid).text, grid->kind == NODE_MAP ? "none" : node_describe(grid).text);
    int64_t total = 1;
    for (const node *m = grid->child; m; m = m->next) {
        axis *a = &axes[(*n_axes)++];
        *a = (axis){.values = m, .n = count_items(m)};
        CALL(variants_find_option(finetune, m, "the grid", &a->o));
        CHECK(m->kind == NODE_LIST && a->n > 0, ERR_USAGE,
              "%s: finetune.grid.%s: expected a list of values, got %s", node_value_place(m).text,
              m->key, m->kind == NODE_LIST ? "an empty list" : node_describe(m).text);
        total *= a->n;
        CHECK(total <= room, ERR_USAGE, "%s: finetune.grid: over %d variants",
              node_value_place(grid).text, (int)STUDY_MAX_VARIANTS);
        CALL(variants_check_values("finetune.grid", a->o, m, &a->n));
    }
    *combinations = (int)total;
    return OK;
}

/* combination i, with the last option of the grid changing fastest */
static err read_combination(const axis *axes, int n_axes, int i, variant *v) {
    for (int a = n_axes - 1; a >= 0; a--) {
        const node *value = axes[a].values->child;
        for (int skip = i % axes[a].n; skip > 0; skip--)
            value = value->next;
        i /= axes[a].n;
        CALL(option_parse(axes[a].o, "finetune.grid", value, field(&v->o, axes[a].o)));
    }
    return OK;
}

static void resolve_seed(variant *v, int64_t seed) {
    if (v->o.seed == 0)
        v->o.seed = seed;
}

/* draw i, unlike the ones before it, whose lines are line (i); adds its own */
static err read_draw(const draws *d, int i, int64_t seed, strbuf *line, variant *v) {
    int twice = 1;
    snprintf(v->name, sizeof v->name, "r%02d", i);
    for (int turn = 0; twice && turn < TURNS; turn++) {
        CALL(draws_take(d, i, turn, &v->o));
        resolve_seed(v, seed);
        strbuf_clear(&line[i]);
        CALL(variants_line(v, &line[i]));
        twice = 0;
        for (int j = 0; j < i && !twice; j++)
            twice = strcmp(line[i].text, line[j].text) == 0;
    }
    CHECK(!twice, ERR_USAGE,
          "%s: finetune.random: no variant is found that is unlike the %d before it: draw fewer, "
          "or from a larger space",
          node_value_place(d->at).text, i);
    return OK;
}

/* name what has no name, resolve the seed, refuse a name that is taken; at: for the message */
static err finish(variant *v, int i, int64_t seed, const node *at) {
    if (!v[i].name[0])
        snprintf(v[i].name, sizeof v[i].name, "v%02d", i);
    resolve_seed(&v[i], seed);
    for (int j = 0; j < i; j++)
        CHECK(strcmp(v[i].name, v[j].name) != 0, ERR_USAGE,
              "%s: two variants are called \"%s\": variant %d and variant %d",
              node_value_place(at).text, v[i].name, j + 1, i + 1);
    return OK;
}

/* where variants come from */
typedef struct sources {
    section options;
    const node *list, *grid;
    int listed, n_axes, combinations;
    axis axes[DRAW_AXES];
    draws random;
} sources;

static err open_sources(const node *finetune, int64_t seed, sources *s) {
    const node *list = node_member(finetune, "variants");
    s->list = list;
    s->grid = node_member(finetune, "grid");
    s->listed = count_items(list);
    section_find("finetune", &s->options);
    CHECK(!list || (list->kind == NODE_LIST && s->listed > 0), ERR_USAGE,
          "%s: finetune.variants: expected a list of variants, got %s", node_value_place(list).text,
          list->kind == NODE_LIST ? "an empty one" : node_describe(list).text);
    CHECK(s->listed <= STUDY_MAX_VARIANTS, ERR_USAGE, "%s: finetune.variants: over %d variants",
          node_value_place(list).text, (int)STUDY_MAX_VARIANTS);
    CALL(read_axes(&s->options, s->grid, STUDY_MAX_VARIANTS - s->listed, s->axes, &s->n_axes,
                   &s->combinations));
    return draws_read(node_member(finetune, "random"), &s->options, seed,
                      STUDY_MAX_VARIANTS - s->listed - s->combinations, &s->random);
}

/* line (draws): for comparison */
static err read_all(const sources *s, const finetune_options *defaults, int64_t seed, int total,
                    strbuf *line, variant *v) {
    const node *item = s->list ? s->list->child : NULL;
    int grid_end = s->listed + s->combinations;
    for (int i = 0; i < total; i++) {
        const node *at = i < s->listed ? item : i < grid_end ? s->grid : s->random.at;
        v[i].o = *defaults;
        if (i < s->listed)
            CALL(read_item(&s->options, item, &v[i]));
        else if (i < grid_end)
            CALL(read_combination(s->axes, s->n_axes, i - s->listed, &v[i]));
        else if (s->random.n)
            CALL(read_draw(&s->random, i - grid_end, seed, line, &v[i]));
        CALL(finish(v, i, seed, at));
        item = item ? item->next : NULL;
    }
    return OK;
}

err variants_read(const node *finetune, const finetune_options *defaults, int64_t seed,
                  variant **out, int *n) {
    sources s = {0};
    CALL(open_sources(finetune, seed, &s));
    int given = s.listed + s.combinations + s.random.n, total = given > 0 ? given : 1;
    variant *v = NULL;
    strbuf *line = NULL;
    err e;
    TRY(mem_alloc((size_t)total, sizeof *v, &v));
    TRY(mem_alloc((size_t)s.random.n + 1, sizeof *line, &line));
    TRY(read_all(&s, defaults, seed, total, line, v));
    *out = v;
    *n = total;
    v = NULL;
done:
    for (int i = 0; line && i < s.random.n; i++)
        strbuf_free(&line[i]);
    free(line);
    free(v);
    return e;
}

err variants_line(const variant *v, strbuf *out) {
    static const char *const without_effect[] = {"ranks_per_variant", "checkpoint_every"};
    section finetune;
    section_find("finetune", &finetune);
    for (int k = 0; k < finetune.n; k++) {
        const option *o = &finetune.options[k];
        int skip = 0;
        for (size_t w = 0; w < sizeof without_effect / sizeof *without_effect; w++)
            skip |= strcmp(o->name, without_effect[w]) == 0;
        if (skip)
            continue;
        CALL(strbuf_printf(out, "%s%s: ", out->len ? ", " : "", o->name));
        CALL(option_print(o, (const char *)&v->o + o->offset, out));
    }
    return OK;
}

err variants_twins(const variant *v, int n, int *twin) {
    strbuf *line = NULL;
    err e = mem_alloc((size_t)n + 1, sizeof *line, &line);
    for (int i = 0; i < n && e == OK; i++) {
        e = variants_line(&v[i], &line[i]);
        twin[i] = -1;
        for (int j = 0; j < i && e == OK && twin[i] < 0; j++)
            if (strcmp(line[i].text, line[j].text) == 0)
                twin[i] = j;
    }
    for (int i = 0; line && i < n; i++)
        strbuf_free(&line[i]);
    free(line);
    return e;
}

static err write_difference(const variant *v, const finetune_options *defaults, const option *o,
                            strbuf *mine, strbuf *theirs, strbuf *out) {
    strbuf_clear(mine);
    strbuf_clear(theirs);
    CALL(option_print(o, (const char *)&v->o + o->offset, mine));
    CALL(option_print(o, (const char *)defaults + o->offset, theirs));
    if (strcmp(mine->text, theirs->text) == 0)
        return OK;
    return strbuf_printf(out, ", %s: %s", o->name, mine->text);
}

err variants_write_one(const variant *v, const finetune_options *defaults, strbuf *out) {
    strbuf mine = {0}, theirs = {0};
    section finetune;
    section_find("finetune", &finetune);
    err e;
    TRY(strbuf_printf(out, "{name: "));
    TRY(option_print_text(v->name, out));
    for (int k = 0; k < finetune.n; k++)
        TRY(write_difference(v, defaults, &finetune.options[k], &mine, &theirs, out));
    TRY(strbuf_printf(out, "}"));
done:
    strbuf_free(&mine);
    strbuf_free(&theirs);
    return e;
}

err variants_write(const variant *v, int n, const finetune_options *defaults, strbuf *out) {
    CALL(strbuf_printf(out, "  variants:\n"));
    for (int i = 0; i < n; i++) {
        CALL(strbuf_printf(out, "    - "));
        CALL(variants_write_one(&v[i], defaults, out));
        CALL(strbuf_printf(out, "\n"));
    }
    return OK;
}
