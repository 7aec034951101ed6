#include "config/study.h"

#include "config/document.h"
#include "config/nearest.h"
#include "config/option.h"
#include "config/rules.h"
#include "config/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the field of option o of section in s */
static void *field(study *s, const section *in, const option *o) {
    return (char *)s + in->offset + o->offset;
}

static const void *const_field(const study *s, const section *in, const option *o) {
    return (const char *)s + in->offset + o->offset;
}

static int is_finetune(const section *in) {
    return strcmp(in->name, "finetune") == 0;
}

static err set_defaults(study *s) {
    for (int i = 0; i < OPTION_SECTIONS; i++) {
        section in = section_at(i);
        for (int k = 0; k < in.n; k++)
            CALL(option_default(&in.options[k], field(s, &in, &in.options[k])));
    }
    return OK;
}

/* name a section that has an option of this name, for one that is in the wrong place */
static const char *elsewhere(const char *key, const char *except) {
    for (int i = 0; i < OPTION_SECTIONS; i++) {
        section in = section_at(i);
        if (*in.name && strcmp(in.name, except) != 0 && section_option(&in, key))
            return in.name;
    }
    return NULL;
}

static err refuse_unknown(const section *in, const node *member) {
    nearest near = {.word = member->key};
    const char *dot = *in->name ? "." : "", *key = member->key;
    node_place at = node_key_place(member);
    for (int i = 0; i < in->n; i++)
        nearest_offer(&near, in->options[i].name);
    for (int i = 1; i < OPTION_SECTIONS && !*in->name; i++) /* 0 is the top level itself */
        nearest_offer(&near, section_at(i).name);
    if (is_finetune(in)) {
        nearest_offer(&near, "variants");
        nearest_offer(&near, "grid");
        nearest_offer(&near, "random");
    }
    CHECK(!near.best, ERR_USAGE, "%s: unknown option \"%s%s%s\"; did you mean \"%s%s%s\"?", at.text,
          in->name, dot, key, in->name, dot, near.best);
    const char *home = elsewhere(key, in->name);
    CHECK(!home, ERR_USAGE, "%s: unknown option \"%s%s%s\"; there is \"%s.%s\"", at.text, in->name,
          dot, key, home, key);
    RAISE(ERR_USAGE, "%s: unknown option \"%s%s%s\"; configs/reference.yaml lists all", at.text,
          in->name, dot, key);
}

static err read_section(study *s, const section *in, const node *map) {
    if (node_is_nothing(map)) /* a section whose options are all commented out */
        return OK;
    CHECK(map->kind == NODE_MAP, ERR_USAGE, "%s: %s: expected a group of options, got %s",
          node_value_place(map).text, in->name, node_describe(map).text);
    for (const node *m = map->child; m; m = m->next) {
        const option *o = section_option(in, m->key);
        if (o)
            CALL(option_parse(o, in->name, m, field(s, in, o)));
        else if (!is_finetune(in) || (strcmp(m->key, "variants") != 0 &&
                                      strcmp(m->key, "grid") != 0 && strcmp(m->key, "random") != 0))
            return refuse_unknown(in, m);
    }
    return OK;
}

static err read_tree(study *s, const node *root) {
    section top = section_at(0);
    for (const node *m = root->child; m; m = m->next) {
        section in;
        const option *o = section_option(&top, m->key);
        if (o)
            CALL(option_parse(o, "", m, field(s, &top, o)));
        else if (*m->key && section_find(m->key, &in))
            CALL(read_section(s, &in, m));
        else
            return refuse_unknown(&top, m);
    }
    CALL(variants_read(node_member(root, "finetune"), &s->finetune, s->study.seed, &s->variants,
                       &s->n_variants));
    return rules_check(s, root);
}

err study_read(const char *path, const char *const *sets, int n_sets, study **out) {
    arena *a = NULL;
    study *s = NULL;
    node *root;
    err e;
    TRY(arena_create(1 << 16, &a));
    TRY(mem_alloc(1, sizeof *s, &s));
    ENSURE(strlen(path) < sizeof s->path, ERR_USAGE, "the study's path is too long: %s", path);
    snprintf(s->path, sizeof s->path, "%s", path);
    TRY(set_defaults(s));
    TRY(document_read(a, path, &root));
    for (int i = 0; i < n_sets; i++) /* "study.seed=2" is the top level's "seed=2" */
        TRY(document_set(a, root, sets[i] + (strncmp(sets[i], "study.", 6) == 0 ? 6 : 0)));
    TRY(read_tree(s, root));
    *out = s;
    s = NULL;
done:
    study_free(&s);
    arena_destroy(&a);
    return e;
}

void study_free(study **s) {
    if (!*s)
        return;
    free((*s)->variants);
    free(*s);
    *s = NULL;
}

/* "  batch: 32          # sequences a step [sequences; 1 to 65536]" */
static err write_option(const study *s, const section *in, const option *o, strbuf *line,
                        strbuf *out) {
    option_range allowed = option_allowed(o);
    strbuf_clear(line);
    CALL(strbuf_printf(line, "%s%s: ", *in->name ? "  " : "", o->name));
    CALL(option_print(o, const_field(s, in, o), line));
    CALL(strbuf_printf(out, "%-40s # %s", line->text, o->help));
    if (*o->unit || *allowed.text)
        CALL(strbuf_printf(out, " [%s%s%s]", o->unit, *o->unit && *allowed.text ? "; " : "",
                           allowed.text));
    return strbuf_printf(out, "\n");
}

err study_write(const study *s, strbuf *out) {
    strbuf line = {0};
    err e = OK;
    for (int i = 0; i < OPTION_SECTIONS; i++) {
        section in = section_at(i);
        if (*in.name)
            TRY(strbuf_printf(out, "\n%s:\n", in.name));
        for (int k = 0; k < in.n; k++)
            if (*in.name || strcmp(in.options[k].name, "directory") != 0)
                TRY(write_option(s, &in, &in.options[k], &line, out));
        if (is_finetune(&in))
            TRY(variants_write(s->variants, s->n_variants, &s->finetune, out));
    }
done:
    strbuf_free(&line);
    return e;
}

err study_walk(const study *s, study_each each, void *state) {
    strbuf value = {0};
    err e = OK;
    for (int i = 0; i < OPTION_SECTIONS; i++) {
        section in = section_at(i);
        for (int k = 0; k < in.n; k++) {
            const option *o = &in.options[k];
            strbuf_clear(&value);
            TRY(option_print(o, const_field(s, &in, o), &value));
            TRY(each(state, in.name, o->name, value.text, o->unit, o->help));
        }
    }
done:
    strbuf_free(&value);
    return e;
}
