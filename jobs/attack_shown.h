/* attack_shown.h: adversarial examples as text. Not collective. */
#ifndef ESPALIER_JOBS_ATTACK_SHOWN_H
#define ESPALIER_JOBS_ATTACK_SHOWN_H

#include "attack_stored.h"

typedef struct shown {
    const char *outcome; /* which examples; "all" */
    int tsv, colour;
    long most; /* of each model; < 0: all */
} shown;

err shown_head(strbuf *out); /* names of the columns of the TSV */
/* Append the examples of one model by one recipe. */
err shown_model(const stored *s, const store_model *m, const char *by, const shown *how,
                strbuf *out);

#endif
