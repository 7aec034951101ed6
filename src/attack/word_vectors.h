/* word_vectors.h: word vectors in text form: `word v1 … vd` a line; a first line of two numbers is
 * word2vec's header. Not collective. */
#ifndef ESPALIER_ATTACK_WORD_VECTORS_H
#define ESPALIER_ATTACK_WORD_VECTORS_H

#include "io/dictionary.h"

typedef struct word_vectors {
    dictionary *index; /* number of a word: its row */
    int n, d;
    float *v; /* (n, d) scaled to length 1 */
} word_vectors;

/* ERR_DATA "file:line: …": a vector of another length, not finite, zero; a word that stands twice.
 * Caller frees. */
err word_vectors_read(const char *path, word_vectors *out);
void word_vectors_free(word_vectors *w);

#endif
