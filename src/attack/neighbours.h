/* neighbours.h: which words may stand for a word, nearest first.
 *
 * From a JSON file (word → list), or from word vectors in text form: `word v1 … vd` a line (a first
 * line of two numbers is a word2vec header); then candidates are the words of cosine >= min_cosine.
 * Words are looked up in lower case. Not collective. */
#ifndef ESPALIER_ATTACK_NEIGHBOURS_H
#define ESPALIER_ATTACK_NEIGHBOURS_H

#include "base/err.h"

typedef struct neighbours neighbours;

/* ERR_DATA "file:line: …": not a list of words; a vector of another length or not finite. */
err neighbours_open_json(const char *path, neighbours **out);
err neighbours_open_vectors(const char *path, double min_cosine, int max_candidates,
                            neighbours **out);
void neighbours_close(neighbours **n);

/* Up to max candidates of word; *count 0 where it has none. Valid until close. */
err neighbours_of(neighbours *n, const char *word, int max, const char ***candidates, int *count);
/* The unit vector (*d numbers) of word, NULL where there is none or the source has no vectors. */
const float *neighbours_vector(const neighbours *n, const char *word, int *d);

#endif
