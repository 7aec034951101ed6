/* similarity.h: how alike two texts are, from a pluggable source: 1 - arccos(cos) / pi of the means
 * of an encoder's last hidden states, or of word vectors. Not collective. */
#ifndef ESPALIER_ATTACK_SIMILARITY_H
#define ESPALIER_ATTACK_SIMILARITY_H

#include "attack/neighbours.h"
#include "model/encoder.h"
#include "text/tokenizer.h"

typedef struct similarity similarity;

/* The encoder (or the vectors: the other is NULL) is not owned. Caller closes. */
err similarity_open_encoder(const encoder *m, const tokenizer *w, int max_length, similarity **out);
err similarity_open_vectors(const neighbours *vectors, similarity **out);
void similarity_close(similarity **s);

/* score (n): of each of others (n) against text. A text without any vector has similarity 0. */
err similarity_score(similarity *s, const char *text, const char *const *others, int n,
                     double *score);

#endif
