#include "config/variants.h"

#include "config/nearest.h"
#include "config/option.h"
#include "config/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AXES = 0
#define AXIS(...) +1
    FINETUNE_OPTIONS(AXIS)
#undef AXIS
};

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

static err find_option(const section *finetune, const node *member, const char *where,
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
        CALL(find_option(finetune, m, "a variant", &o));
        CALL(option_parse(o, "finetune.variants", m, field(&v->o, o)));
    }
    return OK;
}

/* no value twice: it would train the same variant twice */
static err check_axis(const axis *a) {
    finetune_options one, other;
    for (const node *x = a->values->child; x; x = x->next) {
        memset(&one, 0, sizeof one);
        CALL(option_parse(a->o, "finetune.grid", x, field(&one, a->o)));
        for (const node *y = a->values->child; y != x; y = y->next) {
            memset(&other, 0, sizeof other);
            CALL(option_parse(a->o, "finetune.grid", y, field(&other, a->o)));
            CHECK(memcmp(&one, &other, sizeof one) != 0, ERR_USAGE,
                  "%s: finetune.grid.%s: %s is listed twice", node_value_place(x).text, a->o->name,
                  x->text);
        }
    }
    return OK;
}

/* axes (AXES) of a grid and the number of their combinations, 0 without a grid */
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
        CALL(find_option(finetune, m, "the grid", &a->o));
        CHECK(m->kind == NODE_LIST && a->n > 0, ERR_USAGE,
              "%s: finetune.grid.%s: expected a list of values, got %s", node_value_place(m).text,
              m->key, m->kind == NODE_LIST ? "an empty list" : node_describe(m).text);
        total *= a->n;
        CHECK(total <= room, ERR_USAGE, "%s: finetune.grid: over %d variants",
              node_value_place(grid).text, (int)STUDY_MAX_VARIANTS);
        CALL(check_axis(a));
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

/* name what has no name, resolve the seed, refuse a name that is taken; at: for the message */
static err finish(variant *v, int i, int64_t seed, const node *at) {
    if (!v[i].name[0])
        snprintf(v[i].name, sizeof v[i].name, "v%02d", i);
    if (v[i].o.seed == 0)
        v[i].o.seed = seed;
    for (int j = 0; j < i; j++)
        CHECK(strcmp(v[i].name, v[j].name) != 0, ERR_USAGE,
              "%s: two variants are called \"%s\": variant %d and variant %d",
              node_value_place(at).text, v[i].name, j + 1, i + 1);
    return OK;
}

err variants_read(const node *finetune, const finetune_options *defaults, int64_t seed,
                  variant **out, int *n) {
    const node *list = node_member(finetune, "variants"), *grid = node_member(finetune, "grid");
    section options;
    axis axes[AXES];
    int listed = count_items(list), n_axes, combinations;
    section_find("finetune", &options);
    CHECK(!list || (list->kind == NODE_LIST && listed > 0), ERR_USAGE,
          "%s: finetune.variants: expected a list of variants, got %s", node_value_place(list).text,
          list->kind == NODE_LIST ? "an empty one" : node_describe(list).text);
    CHECK(listed <= STUDY_MAX_VARIANTS, ERR_USAGE, "%s: finetune.variants: over %d variants",
          node_value_place(list).text, (int)STUDY_MAX_VARIANTS);
    CALL(read_axes(&options, grid, STUDY_MAX_VARIANTS - listed, axes, &n_axes, &combinations));
    int total = listed + combinations > 0 ? listed + combinations : 1;
    variant *v;
    err e = mem_alloc((size_t)total, sizeof *v, &v);
    const node *item = list ? list->child : NULL;
    for (int i = 0; i < total && e == OK; i++) {
        v[i].o = *defaults;
        if (i < listed)
            e = read_item(&options, item, &v[i]);
        else
            e = read_combination(axes, n_axes, i - listed, &v[i]);
        if (e == OK)
            e = finish(v, i, seed, i < listed ? item : grid);
        item = item ? item->next : NULL;
    }
    if (e != OK) {
        free(v);
        return e;
    }
    *out = v;
    *n = total;
    return OK;
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

err variants_write(const variant *v, int n, const finetune_options *defaults, strbuf *out) {
    strbuf mine = {0}, theirs = {0};
    section finetune;
    section_find("finetune", &finetune);
    err e;
    TRY(strbuf_printf(out, "  variants:\n"));
    for (int i = 0; i < n; i++) {
        TRY(strbuf_printf(out, "    - {name: "));
        TRY(option_print_text(v[i].name, out));
        for (int k = 0; k < finetune.n; k++)
            TRY(write_difference(&v[i], defaults, &finetune.options[k], &mine, &theirs, out));
        TRY(strbuf_printf(out, "}\n"));
    }
done:
    strbuf_free(&mine);
    strbuf_free(&theirs);
    return e;
}
