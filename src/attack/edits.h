/* edits.h: words with typing errors, and how far two texts are apart. Which character is edited,
 * and into what, is a function of (seed, word, kind of edit), not of the place or the rank. Not
 * collective. */
#ifndef ESPALIER_ATTACK_EDITS_H
#define ESPALIER_ATTACK_EDITS_H

#include "base/arena.h"

#include <stdint.h>

/* TextBugger's (arXiv 1812.05271): a space inserted, a character deleted, two neighbours swapped,
 * none of them the first or last; then each character that has a look-alike replaced by it. list
 * (n) in the arena, without repetitions; the shortest words have none of the first three. */
err edits_bugs(arena *a, uint64_t seed, const char *word, const char ***list, int *n);

/* DeepWordBug's (arXiv 1801.04354): two neighbours swapped, a character replaced by a random
 * letter, deleted, a random letter inserted. Words of one character have none. */
err edits_random(arena *a, uint64_t seed, const char *word, const char ***list, int *n);

/* 1 if no more than limit characters must be inserted, deleted or replaced to make one text into
 * the other (Levenshtein). Linear in the texts' length times limit. */
err edits_within(arena *a, const char *x, const char *y, int limit, int *within);

#endif
