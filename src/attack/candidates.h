/* candidates.h: what may stand for a word of a text, as far as the text before any change decides
 * it: the recipe's source, the original's case, part of speech. Private to the attack. */
#ifndef ESPALIER_ATTACK_CANDIDATES_H
#define ESPALIER_ATTACK_CANDIDATES_H

#include "attack/parts.h"
#include "base/arena.h"
#include "text/words.h"

/* list (*n), yours to change, in the arena: candidates for word i. text: hash of the text's bytes;
 * what was found is kept under it in a->kept. */
err candidates_of(attack *a, arena *memory, const wording *original, uint64_t text, int i,
                  const char ***list, int *n);

/* Do two tag sets agree, as the recipe has it? */
int candidates_agree(const attack *a, uint16_t x, uint16_t y);

#endif
