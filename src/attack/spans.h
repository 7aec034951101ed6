/* spans.h: which ids of a text's sequence belong to which of its words. Not collective. */
#ifndef ESPALIER_ATTACK_SPANS_H
#define ESPALIER_ATTACK_SPANS_H

#include "text/tokenizer.h"
#include "text/words.h"

typedef struct span_of_ids {
    int first, last; /* positions first .. last - 1 of the sequence, behind what begins it */
} span_of_ids;

/* span (w->n) of each word in the sequence of the whole text, cut to max_length; a word beyond the
 * cut has none, that is first == last. Spaces before a word belong to it (byte-level BPE). */
err spans_find(const tokenizer *t, const wording *w, int max_length, span_of_ids *span);

#endif
