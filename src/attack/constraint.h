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
    double *alike;      /* (n) similarity of those kept, NaN: not tested */
    double margin;      /* lowered to the smallest difference to a threshold */
    double lowest;      /* of the similarity */
    const char **texts; // (1 + n) to be compared: the reference, then the candidates; or NULL
} change;

/* All constraints but similarity, and the texts that it will compare (NULL: it is not tested): the
 * caller may have the vectors of several changes computed together first. */
err constraint_begin(change *c);
/* Similarity. */
err constraint_end(change *c);

#endif
