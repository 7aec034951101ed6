/* wordpiece.h: BERT's uncased tokenizer (google-research/bert tokenization.py).
 *
 * Clean control characters, spaces around CJK, lower-case, NFD and drop Mn, split at punctuation
 * (all non-alphanumeric ASCII counts), greedy longest match with "##"; a word over 200 characters
 * or without a match is one [UNK]. const after open: shared by threads and models. Not collective.
 */
#ifndef ESPALIER_TEXT_WORDPIECE_H
#define ESPALIER_TEXT_WORDPIECE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct wordpiece {
    int V;
    int32_t pad, unk, cls, sep, mask; /* mask -1 when the vocabulary has none */
    struct wordpiece_table *table;
    char path[4096];
} wordpiece;

/* One piece a line. ERR_DATA: duplicate or empty piece, without [UNK], [CLS], [SEP] or [PAD]. */
err wordpiece_open(const char *path, wordpiece **out); /* caller closes */
void wordpiece_close(wordpiece **w);

/* Ids of text (n bytes of UTF-8) without [CLS]/[SEP]: at most cap are stored, *count is how many
 * there are in all. Never fails on content: invalid bytes count as U+FFFD. */
void wordpiece_encode(const wordpiece *w, const char *text, size_t n, int32_t *ids, int cap,
                      int *count);
const char *wordpiece_piece(const wordpiece *w, int32_t id); /* "" outside V */

#endif
