/* constraint.h: which candidates for a word may stand in the text as it is now. Private to the
 * attack. */
#ifndef ESPALIER_ATTACK_CONSTRAINT_H
#define ESPALIER_ATTACK_CONSTRAINT_H

#include "attack/parts.h"
#include "base/arena.h"
#include "text/words.h"

/* Candidates for one word on their way. */
typedef struct change {
    attack *a;
    arena *memory;
    const wording *original;
    wording *current; /* word i is put in and taken back */
    int i;
    const char **list; /* (n) candidates; those that break a constraint are taken out */
    int n;
    double *alike; /* (n) similarity of those kept, NaN: not tested; set by constraint_keep */
    double margin; /* lowered to the smallest difference to a threshold */
} change;

err constraint_keep(change *c);

#endif
