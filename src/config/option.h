/* option.h: what every line of the options' table can do: its default, parsing with all checks, and
 * printing in the form in which it would stand in a file. Not collective. */
#ifndef ESPALIER_CONFIG_OPTION_H
#define ESPALIER_CONFIG_OPTION_H

#include "base/strbuf.h"
#include "config/document.h"
#include "config/study.h"

typedef enum option_type {
    OPTION_INTEGER,
    OPTION_REAL,
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_INTEGERS,
    OPTION_REALS,
    OPTION_TEXTS
} option_type;

typedef struct option {
    const char *name;
    option_type type;
    size_t offset;        /* of the field in its section's struct */
    const char *fallback; /* the default, as it would stand in a file */
    double low, high;     /* of numbers */
    const char *words;    /* allowed texts "a|b"; NULL: any */
    const char *unit, *help;
} option;

typedef struct section {
    const char *name;      /* "" for the top level */
    size_t offset;         /* of the section's struct in a study */
    const option *options; /* (n) */
    int n;
} section;

enum {
    OPTION_SECTIONS = 0
#define OPTION_COUNT(section, TABLE) +1
    STUDY_SECTIONS(OPTION_COUNT)
#undef OPTION_COUNT
};

section section_at(int i); /* 0 .. OPTION_SECTIONS - 1, in the table's order */
/* 1 and the section when there is one with this name. */
int section_find(const char *name, section *out);
const option *section_option(const section *s, const char *name); /* NULL: no such option */

/* Set the default, which goes through the same checks as a file's value.
 * field: the option's place in a section's struct (struct's address + o->offset). */
err option_default(const option *o, void *field);
/* Read a value. in: the section's name, for messages. ERR_USAGE "place: section.option: …". */
err option_parse(const option *o, const char *in, const node *value, void *field);
/* The value as YAML: reads back to the same bits. */
err option_print(const option *o, const void *field, strbuf *out);
err option_print_text(const char *text, strbuf *out); /* in quotes where YAML needs them */
/* What is allowed: "1 to 1000", "best | all"; "" for free text. */
typedef struct option_range {
    char text[200];
} option_range;
option_range option_allowed(const option *o);

#endif
