#include "config/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEEPEST = 8, LARGEST = 1 << 20 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, owned */
    arena *a;
    const char *source;
    const char *text; /* (n) */
    size_t n;
} reader;

static err copy_text(arena *a, const char *text, size_t n, char **out) {
    char *copy;
    CALL(arena_alloc(a, n + 1, 1, &copy));
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = copy;
    return OK;
}

static node_place place(const char *source, int line, int column) {
    node_place p;
    if (line)
        snprintf(p.text, sizeof p.text, "%s:%d:%d", source, line, column);
    else
        snprintf(p.text, sizeof p.text, "%s", source);
    return p;
}

node_place node_value_place(const node *n) {
    return place(n->source, n->line, n->column);
}

node_place node_key_place(const node *n) {
    return n->key && n->key_line ? place(n->source, n->key_line, n->key_column)
                                 : node_value_place(n);
}

/* files have lines; a --set is one value and its source says all */
static int is_file(const reader *r) {
    return strcmp(r->source, "--set") != 0;
}

static node_place event_place(const reader *r) {
    const yaml_mark_t *m = &r->event.start_mark;
    return place(r->source, is_file(r) ? (int)m->line + 1 : 0, (int)m->column + 1);
}

/* line and column (from 1) of byte `at`, counted in characters as libyaml's marks are */
static void locate(const reader *r, size_t at, int *line, int *column) {
    *line = *column = 1;
    for (size_t i = 0; i < at && i < r->n; i++)
        if (r->text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
            ++*column;
        }
}

/* the indentation of this line (from 1) holds a tab: libyaml's words for that help nobody */
static int tab_column(const reader *r, int line) {
    const char *at = r->text, *end = r->text + r->n;
    while (--line > 0 && at) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return 0;
    int column = 1;
    while (at < end && *at == ' ')
        at++, column++;
    return at < end && *at == '\t' ? column : 0;
}

static err syntax(const reader *r) {
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "it cannot be parsed";
    int line = (int)p->problem_mark.line + 1, column = (int)p->problem_mark.column + 1;
    CHECK(p->error != YAML_MEMORY_ERROR, ERR_FAILED, "%s: out of memory", r->source);
    if (p->error == YAML_READER_ERROR) {
        locate(r, p->problem_offset, &line, &column);
        RAISE(ERR_USAGE, "%s: not text in UTF-8: %s",
              place(r->source, is_file(r) ? line : 0, column).text, problem);
    }
    int tab = tab_column(r, line);
    node_place where = place(r->source, is_file(r) ? line : 0, tab ? tab : column);
    CHECK(!tab, ERR_USAGE, "%s: a tab: indent with spaces", where.text);
    RAISE(ERR_USAGE, "%s: not YAML: %s%s%s", where.text, problem, p->context ? ", " : "",
          p->context ? p->context : "");
}

static err advance(reader *r) {
    yaml_event_delete(&r->event);
    return yaml_parser_parse(&r->parser, &r->event) ? OK : syntax(r);
}

static err node_create(reader *r, node_kind kind, node **out) {
    CALL(arena_alloc(r->a, 1, sizeof **out, out));
    **out = (node){.kind = kind,
                   .source = r->source,
                   .line = is_file(r) ? (int)r->event.start_mark.line + 1 : 0,
                   .column = (int)r->event.start_mark.column + 1};
    return OK;
}

static err refuse_extras(const reader *r, const yaml_char_t *anchor, const yaml_char_t *tag) {
    CHECK(!anchor, ERR_USAGE,
          "%s: anchors (&%s) are not supported: write the value where it is used",
          event_place(r).text, (const char *)anchor);
    CHECK(!tag, ERR_USAGE, "%s: tags (%s) are not supported: write the plain value",
          event_place(r).text, (const char *)tag);
    return OK;
}

static err parse_scalar(reader *r, node **out) {
    const char *text = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    CALL(refuse_extras(r, r->event.data.scalar.anchor, r->event.data.scalar.tag));
    for (size_t i = 0; i < n; i++)
        CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f, ERR_USAGE,
              "%s: a control character (0x%02x) in a value", event_place(r).text,
              (unsigned)(unsigned char)text[i]);
    CALL(node_create(r, NODE_SCALAR, out));
    (*out)->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    char *copy;
    CALL(copy_text(r->a, text, n, &copy));
    (*out)->text = copy;
    return OK;
}

static err parse_node(reader *r, int depth, node **out);

static err parse_list(reader *r, int depth, node **out) {
    CALL(refuse_extras(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag));
    CALL(node_create(r, NODE_LIST, out));
    node **link = &(*out)->child;
    for (;;) {
        CALL(advance(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return OK;
        CALL(parse_node(r, depth + 1, link));
        link = &(*link)->next;
    }
}

static err parse_map(reader *r, int depth, node **out) {
    CALL(refuse_extras(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag));
    CALL(node_create(r, NODE_MAP, out));
    node **link = &(*out)->child;
    for (;;) {
        CALL(advance(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return OK;
        node *key = NULL;
        CALL(parse_node(r, depth + 1, &key));
        CHECK(key->kind == NODE_SCALAR, ERR_USAGE, "%s: expected a name before \":\", got %s",
              node_value_place(key).text, node_describe(key).text);
        const node *twin = node_member(*out, key->text);
        CHECK(!twin, ERR_USAGE, "%s: \"%s\" is given twice: first at %s",
              node_value_place(key).text, key->text, node_key_place(twin).text);
        CALL(advance(r));
        CALL(parse_node(r, depth + 1, link));
        (*link)->key = key->text;
        (*link)->key_line = key->line;
        (*link)->key_column = key->column;
        link = &(*link)->next;
    }
}

static err parse_node(reader *r, int depth, node **out) {
    CHECK(depth <= DEEPEST, ERR_USAGE, "%s: nested more than %d levels deep", event_place(r).text,
          (int)DEEPEST);
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return parse_list(r, depth, out);
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return parse_map(r, depth, out);
    CHECK(r->event.type != YAML_ALIAS_EVENT, ERR_USAGE,
          "%s: aliases (*%s) are not supported: write the value where it is used",
          event_place(r).text, (const char *)r->event.data.alias.anchor);
    return parse_scalar(r, out);
}

static err parse_stream(reader *r, node **root) {
    CALL(advance(r)); /* stream start */
    CALL(advance(r));
    if (r->event.type == YAML_STREAM_END_EVENT) {
        CALL(node_create(r, NODE_MAP, root));
        (*root)->line = (*root)->line ? 1 : 0;
        (*root)->column = 1;
        return OK;
    }
    CALL(advance(r)); /* past document start */
    CALL(parse_node(r, 0, root));
    CALL(advance(r)); /* document end */
    CALL(advance(r));
    CHECK(r->event.type == YAML_STREAM_END_EVENT, ERR_USAGE,
          "%s: a second document: one study a file", event_place(r).text);
    return OK;
}

err document_parse(arena *a, const char *source, const char *text, size_t n, node **root) {
    reader r = {.a = a, .source = source, .text = text, .n = n};
    CHECK(yaml_parser_initialize(&r.parser), ERR_FAILED, "%s: out of memory", source);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    err e = parse_stream(&r, root);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return e;
}

err document_read(arena *a, const char *path, node **root) {
    char *source, *text;
    CALL(copy_text(a, path, strlen(path), &source));
    CALL(arena_alloc(a, LARGEST + 1, 1, &text));
    FILE *f = fopen(path, "rb");
    CHECK(f, ERR_USAGE, "%s: cannot open the study: %s", path, strerror(errno));
    size_t n = fread(text, 1, LARGEST + 1, f);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    CHECK(!failed, ERR_USAGE, "%s: cannot read the study: %s", path, strerror(failed));
    CHECK(n <= LARGEST, ERR_USAGE, "%s: over 1 MiB: is this a study?", path);
    CALL(document_parse(a, source, text, n, root));
    if (node_is_nothing(*root))
        (*root)->kind = NODE_MAP;
    CHECK((*root)->kind == NODE_MAP, ERR_USAGE, "%s: expected options, e.g. \"name: demo\", got %s",
          node_value_place(*root).text, node_describe(*root).text);
    return OK;
}

/* the member of a map, made (as an empty map) if it is not there */
static err member_or_new(arena *a, node *map, const char *key, node **out) {
    node **link = &map->child;
    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    if (!*link) {
        CALL(arena_alloc(a, 1, sizeof **link, link));
        **link = (node){.kind = NODE_MAP, .source = "--set", .key = key};
    }
    *out = *link;
    return OK;
}

static err parse_value(arena *a, const char *text, node **out) {
    if (*text)
        return document_parse(a, "--set", text, strlen(text), out);
    CALL(arena_alloc(a, 1, sizeof **out, out));
    **out = (node){.kind = NODE_SCALAR, .source = "--set", .text = "", .quoted = 1};
    return OK;
}

err document_set(arena *a, node *root, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    char *option;
    CHECK(equals && equals != assignment, ERR_USAGE,
          "--set: expected OPTION=VALUE, e.g. attack.examples=50, got \"%s\"", assignment);
    CALL(copy_text(a, assignment, (size_t)(equals - assignment), &option));
    node *map = root, *member, *value;
    char *dot = strchr(option, '.');
    if (dot) {
        *dot = '\0';
        CALL(member_or_new(a, root, option, &map));
        if (node_is_nothing(map))
            map->kind = NODE_MAP;
        CHECK(map->kind == NODE_MAP, ERR_USAGE, "--set: \"%s\" is no section: \"%s\"", option,
              assignment);
        option = dot + 1;
    }
    CALL(parse_value(a, equals + 1, &value));
    CHECK(dot || value->kind != NODE_MAP, ERR_USAGE,
          "--set: set the options of a section one by one: --set %s.OPTION=VALUE", option);
    CALL(member_or_new(a, map, option, &member));
    value->next = member->next;
    value->key = member->key;
    value->key_line = 0;
    *member = *value;
    return OK;
}

const node *node_member(const node *map, const char *key) {
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (const node *m = map->child; m; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

int node_is_nothing(const node *n) {
    return n->kind == NODE_SCALAR && !n->quoted &&
           (!*n->text || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

/* bytes of text that show at most this many, whole characters only */
static int shown(const char *text, int most) {
    int n = (int)strnlen(text, (size_t)most + 1);
    if (n <= most)
        return n;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

node_words node_describe(const node *n) {
    node_words w;
    if (n->kind != NODE_SCALAR)
        snprintf(w.text, sizeof w.text, "%s",
                 n->kind == NODE_LIST ? "a list" : "a group of options");
    else if (node_is_nothing(n))
        snprintf(w.text, sizeof w.text, "nothing");
    else
        snprintf(w.text, sizeof w.text, "%s\"%.*s\"", n->quoted ? "the quoted text " : "",
                 shown(n->text, 60), n->text);
    return w;
}
