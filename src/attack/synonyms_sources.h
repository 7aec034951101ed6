/* synonyms_sources.h: from files to an index of neighbours, the heavy part shared out over ranks.
 */
#ifndef ESPALIER_ATTACK_SYNONYMS_SOURCES_H
#define ESPALIER_ATTACK_SYNONYMS_SOURCES_H

#include "attack/synonyms.h"
#include "par/par.h"

typedef struct synonyms_sources {
    /* NULL: not a source; read by rank 0 alone, in this order */
    const char *vectors, *neighbours, *pairs, *wordnet;
    const char *antonyms; /* NULL: none excluded */
    const char *out;
    int top;             /* nearest words of a vector */
    double least;        /* cosine of those */
    const char *made_by; /* program and version, for the provenance */
} synonyms_sources;

/* n: on rank 0. ERR_DATA, ERR_IO: see synonyms.h; ERR_STOPPED: asked to stop, nothing is written.
 * Collective. */
err synonyms_make(const par *p, const synonyms_sources *a, synonyms_counts *n);

#endif
