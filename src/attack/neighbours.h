/* neighbours.h: which words may stand for a word, nearest first.
 *
 * From a JSON file (word -> list), from an index that `espalier prepare synonyms` made
 * (neighbour_index.h), or from word vectors in text form (word_vectors.h); of an index and of
 * vectors candidates are the words of cosine >= min_cosine. A word is never its own neighbour, nor
 * is one twice in a list. Words are looked up in lower case. Not collective. */
#ifndef ESPALIER_ATTACK_NEIGHBOURS_H
#define ESPALIER_ATTACK_NEIGHBOURS_H

#include "base/err.h"

typedef struct neighbours neighbours;

/* JSON or an index: told by how the file begins. */
err neighbours_open(const char *path, double min_cosine, neighbours **out);
/* ERR_DATA "file:line: …": not a list of words; a vector of another length or not finite; see
 * neighbour_index_open. */
err neighbours_open_json(const char *path, neighbours **out);
err neighbours_open_index(const char *path, double min_cosine, neighbours **out);
err neighbours_open_vectors(const char *path, double min_cosine, int max_candidates,
                            neighbours **out);
void neighbours_close(neighbours **n);

/* Up to max candidates of word; *count 0 where it has none. Valid until close. */
err neighbours_of(neighbours *n, const char *word, int max, const char ***candidates, int *count);
/* The unit vector (*d numbers) of word, NULL where there is none or the source has no vectors. */
const float *neighbours_vector(const neighbours *n, const char *word, int *d);

#endif
