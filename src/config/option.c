#include "config/option.h"

#include "config/nearest.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* one table line -> one row; `here` names the struct of the section that is being expanded */
#define ROW(type, name, ...) ROW_##type(name, __VA_ARGS__)
#define ROW_NUMBER(type, name, value, low, high, unit, help)                                       \
    {#name, type, offsetof(here, name), value, low, high, NULL, unit, help},
#define ROW_WORDS(type, name, value, words, unit, help)                                            \
    {#name, type, offsetof(here, name), value, 0, 0, words, unit, help},
#define ROW_integer(name, value, low, high, unit, help)                                            \
    ROW_NUMBER(OPTION_INTEGER, name, #value, low, high, unit, help)
#define ROW_real(name, value, low, high, unit, help)                                               \
    ROW_NUMBER(OPTION_REAL, name, #value, low, high, unit, help)
#define ROW_flag(name, value, low, high, unit, help)                                               \
    ROW_NUMBER(OPTION_FLAG, name, (value) ? "true" : "false", low, high, unit, help)
#define ROW_integers(name, value, low, high, unit, help)                                           \
    ROW_NUMBER(OPTION_INTEGERS, name, value, low, high, unit, help)
#define ROW_reals(name, value, low, high, unit, help)                                              \
    ROW_NUMBER(OPTION_REALS, name, value, low, high, unit, help)
#define ROW_text(name, value, words, none, unit, help)                                             \
    ROW_WORDS(OPTION_TEXT, name, value, words, unit, help)
#define ROW_texts(name, value, words, none, unit, help)                                            \
    ROW_WORDS(OPTION_TEXTS, name, value, words, unit, help)

enum {
#define SECTION_INDEX(section, TABLE) SECTION_##section,
    STUDY_SECTIONS(SECTION_INDEX)
#undef SECTION_INDEX
};

section section_at(int i) {
    switch (i) {
#define SECTION_CASE(section_name, TABLE)                                                          \
    case SECTION_##section_name: {                                                                 \
        typedef section_name##_options here;                                                       \
        static const option rows[] = {TABLE(ROW)};                                                 \
        return (section){strcmp(#section_name, "study") == 0 ? "" : #section_name,                 \
                         offsetof(study, section_name), rows, (int)(sizeof rows / sizeof *rows)};  \
    }
        STUDY_SECTIONS(SECTION_CASE)
#undef SECTION_CASE
    default:
        return (section){"", 0, NULL, 0};
    }
}

int section_find(const char *name, section *out) {
    for (int i = 0; i < OPTION_SECTIONS; i++) {
        *out = section_at(i);
        if (strcmp(out->name, name) == 0)
            return 1;
    }
    return 0;
}

const option *section_option(const section *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->options[i].name, name) == 0)
            return &s->options[i];
    return NULL;
}

/* where a value stands and which option it belongs to, for messages */
typedef struct subject {
    const option *o;
    const char *in;
    const node *value;
    char name[4300];
} subject;

static const char *subject_name(subject *s) {
    snprintf(s->name, sizeof s->name, "%s: %s%s%s", node_value_place(s->value).text, s->in,
             *s->in ? "." : "", s->o->name);
    return s->name;
}

static err expected(subject *s, const char *what) {
    RAISE(ERR_USAGE, "%s: expected %s, got %s", subject_name(s), what,
          node_describe(s->value).text);
}

static err out_of_range(subject *s) {
    const option *o = s->o;
    RAISE(ERR_USAGE, "%s: %s is out of range: allowed are %s%s%s", subject_name(s), s->value->text,
          option_allowed(o).text, *o->unit ? " " : "", o->unit);
}

/* [-+]? ( 0 | [1-9][0-9]* ): no octal, no underscores, nothing behind it */
static int is_whole(const char *t) {
    t += *t == '-' || *t == '+';
    size_t digits = strspn(t, "0123456789");
    return digits > 0 && t[digits] == '\0' && (digits == 1 || *t != '0');
}

/* a decimal number: digits with at most one point, and an exponent if any */
static int is_decimal(const char *t) {
    t += *t == '-' || *t == '+';
    size_t before = strspn(t, "0123456789"), after = 0;
    t += before;
    if (*t == '.') {
        after = strspn(++t, "0123456789");
        t += after;
    }
    if (before + after == 0)
        return 0;
    if (*t == 'e' || *t == 'E') {
        t++;
        t += *t == '-' || *t == '+';
        size_t digits = strspn(t, "0123456789");
        if (digits == 0)
            return 0;
        t += digits;
    }
    return *t == '\0';
}

static int is_plain(const node *v) {
    return v->kind == NODE_SCALAR && !v->quoted;
}

static err parse_integer(subject *s, int64_t *out) {
    if (!is_plain(s->value) || !is_whole(s->value->text))
        return expected(s, "a whole number");
    errno = 0;
    long long x = strtoll(s->value->text, NULL, 10);
    if (errno || (double)x < s->o->low || (double)x > s->o->high)
        return out_of_range(s);
    *out = x;
    return OK;
}

static err parse_real(subject *s, double *out) {
    if (!is_plain(s->value) || !is_decimal(s->value->text))
        return expected(s, "a number");
    errno = 0;
    double x = strtod(s->value->text, NULL);
    if (errno || x < s->o->low || x > s->o->high)
        return out_of_range(s);
    *out = x + 0.0; /* no negative zero */
    return OK;
}

static err parse_flag(subject *s, int *out) {
    const char *t = is_plain(s->value) ? s->value->text : "";
    *out = strcmp(t, "true") == 0;
    return *out || strcmp(t, "false") == 0 ? OK : expected(s, "true or false");
}

/* "a|b|c" as a list; empty when any text is allowed */
static option_texts split_words(const char *words) {
    option_texts list = {0};
    while (words && list.n < OPTION_LIST) {
        snprintf(list.v[list.n++], OPTION_WORD_BYTES, "%.*s", (int)strcspn(words, "|"), words);
        words = strchr(words, '|');
        words = words ? words + 1 : NULL;
    }
    return list;
}

option_range option_allowed(const option *o) {
    option_range r = {""};
    if (o->type == OPTION_FLAG)
        snprintf(r.text, sizeof r.text, "true | false");
    else if (o->type != OPTION_TEXT && o->type != OPTION_TEXTS)
        snprintf(r.text, sizeof r.text, "%.15g to %.15g", o->low, o->high);
    option_texts words = split_words(o->words);
    for (int i = 0, used = 0; i < words.n && used < (int)sizeof r.text; i++)
        used += snprintf(r.text + used, sizeof r.text - (size_t)used, "%s%s", i ? " | " : "",
                         words.v[i]);
    return r;
}

static err check_word(subject *s) {
    option_texts words = split_words(s->o->words);
    nearest near = {.word = s->value->text};
    for (int i = 0; i < words.n; i++) {
        if (strcmp(words.v[i], s->value->text) == 0)
            return OK;
        nearest_offer(&near, words.v[i]);
    }
    CHECK(!s->o->words, ERR_USAGE, "%s: expected %s, got %s%s%s%s", subject_name(s),
          option_allowed(s->o).text, node_describe(s->value).text,
          near.best ? "; did you mean " : "", near.best ? near.best : "", near.best ? "?" : "");
    return OK;
}

static err parse_text(subject *s, char *out, size_t cap) {
    if (s->value->kind != NODE_SCALAR)
        return expected(s, "one text");
    if (node_is_nothing(s->value))
        return expected(s, "a text (\"\" for an empty one)");
    CHECK(strlen(s->value->text) < cap, ERR_USAGE, "%s: longer than %zu bytes", subject_name(s),
          cap - 1);
    CALL(check_word(s));
    snprintf(out, cap, "%s", s->value->text);
    return OK;
}

static err check_list(subject *s) {
    if (s->value->kind != NODE_LIST)
        return expected(s, "a list, e.g. [a, b]");
    int n = 0;
    for (const node *item = s->value->child; item; item = item->next)
        n++;
    CHECK(n <= OPTION_LIST, ERR_USAGE, "%s: %d values: at most %d", subject_name(s), n,
          (int)OPTION_LIST);
    return OK;
}

static err parse_integers(subject *s, option_integers *out) {
    CALL(check_list(s));
    *out = (option_integers){0};
    for (const node *item = s->value->child; item; item = item->next) {
        subject one = {.o = s->o, .in = s->in, .value = item};
        int64_t *x = &out->v[out->n];
        CALL(parse_integer(&one, x));
        for (int i = 0; i < out->n; i++)
            CHECK(out->v[i] != *x, ERR_USAGE, "%s: %s is listed twice", subject_name(&one),
                  item->text);
        out->n++;
    }
    return OK;
}

static err parse_reals(subject *s, option_reals *out) {
    CALL(check_list(s));
    *out = (option_reals){0};
    for (const node *item = s->value->child; item; item = item->next) {
        subject one = {.o = s->o, .in = s->in, .value = item};
        double *x = &out->v[out->n];
        CALL(parse_real(&one, x));
        for (int i = 0; i < out->n; i++)
            CHECK(out->v[i] != *x, ERR_USAGE, "%s: %s is listed twice", subject_name(&one),
                  item->text);
        out->n++;
    }
    return OK;
}

static err parse_texts(subject *s, option_texts *out) {
    CALL(check_list(s));
    *out = (option_texts){0};
    for (const node *item = s->value->child; item; item = item->next) {
        subject one = {.o = s->o, .in = s->in, .value = item};
        char *text = out->v[out->n];
        CALL(parse_text(&one, text, OPTION_WORD_BYTES));
        for (int i = 0; i < out->n; i++)
            CHECK(strcmp(out->v[i], text) != 0, ERR_USAGE, "%s: %s is listed twice",
                  subject_name(&one), item->text);
        out->n++;
    }
    return OK;
}

err option_parse(const option *o, const char *in, const node *value, void *field) {
    subject s = {.o = o, .in = in, .value = value};
    switch (o->type) {
    case OPTION_INTEGER:
        return parse_integer(&s, field);
    case OPTION_REAL:
        return parse_real(&s, field);
    case OPTION_FLAG:
        return parse_flag(&s, field);
    case OPTION_TEXT:
        return parse_text(&s, field, OPTION_TEXT_BYTES);
    case OPTION_INTEGERS:
        return parse_integers(&s, field);
    case OPTION_REALS:
        return parse_reals(&s, field);
    case OPTION_TEXTS:
        return parse_texts(&s, field);
    }
    RAISE(ERR_FAILED, "%s: a type that nobody parses", subject_name(&s));
}

err option_default(const option *o, void *field) {
    node scalar = {.source = "default", .text = o->fallback, .quoted = o->type == OPTION_TEXT};
    if (o->type < OPTION_INTEGERS) /* lists are the last types */
        return option_parse(o, "", &scalar, field);
    arena *a = NULL;
    node *list;
    CALL(arena_create(4096, &a));
    err e = document_parse(a, "default", o->fallback, strlen(o->fallback), &list);
    if (e == OK)
        e = option_parse(o, "", list, field);
    arena_destroy(&a);
    return e;
}

/* Fewest digits that read back to the same bits. Always with a point, and a sign in the exponent:
 * YAML 1.1 readers (PyYAML) take 2e-5 for a text, and 2.0e-5 for the number that it is. */
static err print_real(double x, strbuf *out) {
    char digits[40];
    int precision = 0;
    do
        snprintf(digits, sizeof digits, "%.*e", precision, x);
    while (strtod(digits, NULL) != x && ++precision < 17);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < -3 || exponent > 6) {
        *strchr(digits, 'e') = '\0';
        return strbuf_printf(out, "%s%se%+d", digits, precision ? "" : ".0", exponent);
    }
    int decimals = precision > exponent ? precision - exponent : 0;
    return strbuf_printf(out, "%.*f", decimals ? decimals : 1, x);
}

/* words that a YAML reader may take for something else than text */
static int is_reserved(const char *t) {
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], t) == 0)
            return 1;
    return 0;
}

err option_print_text(const char *t, strbuf *out) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      more[] = "0123456789._-/";
    size_t plain = 0;
    while (t[plain] && (strchr(letters, t[plain]) || strchr(plain ? more : "/", t[plain])))
        plain++;
    if (plain && !t[plain] && !is_reserved(t))
        return strbuf_add(out, t, plain);
    CALL(strbuf_add(out, "\"", 1));
    for (; *t; t++) {
        if (*t == '"' || *t == '\\')
            CALL(strbuf_add(out, "\\", 1));
        CALL(strbuf_add(out, t, 1));
    }
    return strbuf_add(out, "\"", 1);
}

err option_print(const option *o, const void *field, strbuf *out) {
    const option_integers *integers = field;
    const option_reals *reals = field;
    const option_texts *texts = field;
    switch (o->type) {
    case OPTION_INTEGER:
        return strbuf_printf(out, "%lld", (long long)*(const int64_t *)field);
    case OPTION_REAL:
        return print_real(*(const double *)field, out);
    case OPTION_FLAG:
        return strbuf_printf(out, "%s", *(const int *)field ? "true" : "false");
    case OPTION_TEXT:
        return option_print_text(field, out);
    case OPTION_INTEGERS:
        CALL(strbuf_add(out, "[", 1));
        for (int i = 0; i < integers->n; i++)
            CALL(strbuf_printf(out, "%s%lld", i ? ", " : "", (long long)integers->v[i]));
        return strbuf_add(out, "]", 1);
    case OPTION_REALS:
        CALL(strbuf_add(out, "[", 1));
        for (int i = 0; i < reals->n; i++) {
            CALL(strbuf_printf(out, "%s", i ? ", " : ""));
            CALL(print_real(reals->v[i], out));
        }
        return strbuf_add(out, "]", 1);
    case OPTION_TEXTS:
        CALL(strbuf_add(out, "[", 1));
        for (int i = 0; i < texts->n; i++) {
            CALL(strbuf_printf(out, "%s", i ? ", " : ""));
            CALL(option_print_text(texts->v[i], out));
        }
        return strbuf_add(out, "]", 1);
    }
    RAISE(ERR_FAILED, "%s: a type that nobody prints", o->name);
}
