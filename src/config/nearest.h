/* nearest.h: the name that was probably meant. Not collective. */
#ifndef ESPALIER_CONFIG_NEAREST_H
#define ESPALIER_CONFIG_NEAREST_H

/* Start with the word that was given, offer every name there is; best is NULL while none is near
 * enough: at most a third of the word's length away, and at least 1 edit is always allowed. Of
 * equals the one that begins like the word. */
typedef struct nearest {
    const char *word;
    const char *best; /* one of the offered names, not owned */
    int distance;
} nearest;

void nearest_offer(nearest *n, const char *name);

/* Insertions, deletions, replacements and swaps of neighbours between a and b (optimal string
 * alignment distance); names over 63 characters count as far away. */
int nearest_distance(const char *a, const char *b);

#endif
