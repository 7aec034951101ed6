/* attack_rescored.h: the table of attack --rescore. */
#ifndef ESPALIER_JOBS_ATTACK_RESCORED_H
#define ESPALIER_JOBS_ATTACK_RESCORED_H

#include "attack_stored.h"

enum { RESCORED_VALUES = 32 };
enum rescored_kind { RESCORED_QUERIES, RESCORED_SIMILARITY, RESCORED_CHANGED, RESCORED_KINDS };

/* Values of one kind of limit: queries, similarities, shares of the words. */
typedef struct rescored_values {
    int n, given; /* given: on the command line, not a default */
    double v[RESCORED_VALUES];
} rescored_values;

/* Append the table: every model (only: that one; NULL: all) by one recipe, as recorded and within
 * each value. */
err rescored_print(const stored *s, const recipe *how, const store_model *only,
                   const rescored_values of[RESCORED_KINDS], strbuf *out);

#endif
