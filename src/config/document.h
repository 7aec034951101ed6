/* document.h: a YAML document as a tree in which every node knows where it stands.
 *
 * Read with libyaml. Refused with ERR_USAGE and the place: what is not YAML or not UTF-8, more than
 * one document, duplicate keys, keys that are not plain names, anchors, aliases and tags (a study
 * is plain data: what you read is what there is), more than 8 levels. Not collective. */
#ifndef ESPALIER_CONFIG_DOCUMENT_H
#define ESPALIER_CONFIG_DOCUMENT_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>

typedef enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP } node_kind;

typedef struct node node;
struct node {
    node_kind kind;
    const char *source; /* file, or "--set" */
    int line, column;   /* from 1; line 0: not in a file */
    const char *text;   /* of a scalar */
    int quoted;         /* a scalar in quotes or block form: text, never a number */
    const char *key;    /* name of a map's member; NULL elsewhere */
    int key_line, key_column;
    node *child; /* first item or member */
    node *next;  /* sibling */
};

/* The one document of text (n bytes), as a tree that lives in a. An empty document is an empty map.
 */
err document_parse(arena *a, const char *source, const char *text, size_t n, node **root);

/* Read a file of at most 1 MiB, and parse it; its top must be a map (or nothing). */
err document_read(arena *a, const char *path, node **root);

/* Apply "option=value" or "section.option=value" to a map: the value is YAML (nothing: empty text)
 * and replaces the one that is there. */
err document_set(arena *a, node *root, const char *assignment);

/* The member of a map with this key; NULL when there is none or map is not a map. */
const node *node_member(const node *map, const char *key);
/* A scalar without quotes that stands for nothing: empty, ~ or null. */
int node_is_nothing(const node *n);

/* "study.yaml:3:5" or "--set", of the value and of its key, for messages. */
typedef struct node_place {
    char text[4200];
} node_place;
node_place node_value_place(const node *n);
node_place node_key_place(const node *n);

/* What a node is, for "expected …, got %s": `"many"`, `the quoted text "50"`, `a list`, `nothing`.
 */
typedef struct node_words {
    char text[120];
} node_words;
node_words node_describe(const node *n);

#endif
