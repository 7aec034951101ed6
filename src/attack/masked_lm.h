/* masked_lm.h: words that a masked-language model proposes for the words of a text (BERT-Attack,
 * arXiv 2004.09984): the text is read once, unchanged, and the model's most probable pieces at a
 * word's place stand for it. A word of several pieces: the most probable combinations (products of
 * the pieces' probabilities), a beginning piece and continuing ones. WordPiece only. Not
 * collective. */
#ifndef ESPALIER_ATTACK_MASKED_LM_H
#define ESPALIER_ATTACK_MASKED_LM_H

#include "base/arena.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef struct masked_lm masked_lm;

/* dir: a checkpoint with a masked-language head. w: its tokenizer, not owned; NULL: the vocabulary
 * in dir. ERR_USAGE: not WordPiece; ERR_DATA: as encoder_load and tokenizer_open. Caller closes. */
err masked_lm_open(const char *dir, const tokenizer *w, masked_lm **out);
void masked_lm_close(masked_lm **m);

typedef struct proposals {
    const char **word; // (n) most probable first
    int n;
} proposals;

/* list (w->n): of the k most probable pieces (or combinations) at each word's place those that are
 * words and not the word itself; in the arena. A word beyond the model's positions has none. */
err masked_lm_propose(masked_lm *m, arena *a, const wording *w, int k, proposals *list);

#endif
