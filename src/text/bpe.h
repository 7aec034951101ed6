/* bpe.h: RoBERTa's tokenizer, GPT-2's byte-level byte-pair encoding (openai/gpt-2 encoder.py;
 * arXiv 1508.07909 over bytes).
 *
 * A text is cut into words (bpe_words.h), each word into its bytes, and in each word the adjacent
 * pair that stands first in merges.txt is merged wherever it occurs, left to right, until no pair
 * is there to merge. In both files bytes are written as characters: printable Latin-1 as itself,
 * the others, in order, as U+0100, U+0101, … (a space is U+0120). No normalisation, no space before
 * the text (add_prefix_space = false). const after open. Not collective. */
#ifndef ESPALIER_TEXT_BPE_H
#define ESPALIER_TEXT_BPE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct bpe {
    int V;
    int32_t pad, unk, cls, sep, mask; /* <pad> <unk> <s> </s> <mask>; mask -1 when there is none */
    struct bpe_table *table;
    char path[4096];
} bpe;

/* vocab.json: an object from piece to id, every id from 0 to V - 1 once; merges: a pair a line, the
 * first in rank first, below an optional line "#version: …". ERR_DATA "file:line: …": not such an
 * object, ids twice or missing, pieces that are not bytes, a pair that stands twice or names a
 * piece (or makes one) that is not in vocab.json, no <s>, </s>, <pad> or <unk>. Caller closes. */
err bpe_open(const char *vocab, const char *merges, bpe **out);
void bpe_close(bpe **w);

/* Ids of text (n bytes) without <s> and </s>: at most cap are stored, *count is how many there are.
 * Invalid bytes count as U+FFFD. ERR_FAILED: memory for a word of thousands of bytes. */
err bpe_encode(const bpe *w, const char *text, size_t n, int32_t *ids, int cap, int *count);
const char *bpe_piece(const bpe *w, int32_t id); /* as in vocab.json; "" outside V */

#endif
