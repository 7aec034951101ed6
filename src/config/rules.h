/* rules.h: what a study's options must be together. Not collective. */
#ifndef ESPALIER_CONFIG_RULES_H
#define ESPALIER_CONFIG_RULES_H

#include "config/document.h"
#include "config/study.h"

/* A name that becomes a folder: letters, digits, ".", "_", "-", the first a letter or digit, at
 * most
 * 63. what: "study", "variant". ERR_USAGE "place: …". */
err rules_name(const node_place *at, const char *what, const char *name);

/* Options that contradict each other: ERR_USAGE at the first that the file gives. root: the file's
 * tree, for the places. */
err rules_check(const study *s, const node *root);

#endif
