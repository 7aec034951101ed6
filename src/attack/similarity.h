/* similarity.h: how alike two texts are: the angle between the means of an encoder's hidden states,
 * or of word vectors. A text's vector is kept, found by the text's hash, in bounded memory:
 * open it once a study, for all models of the table. Not collective. */
#ifndef ESPALIER_ATTACK_SIMILARITY_H
#define ESPALIER_ATTACK_SIMILARITY_H

#include "attack/neighbours.h"
#include "model/encoder.h"
#include "text/tokenizer.h"

typedef struct similarity similarity;

/* The encoder, tokenizer and vectors are not owned. Caller closes. */
err similarity_open_encoder(const encoder *m, const tokenizer *w, int max_length, similarity **out);
err similarity_open_vectors(const neighbours *vectors, similarity **out);
/* A sentence encoder of its own: see sentence_encoder_open. */
err similarity_open_checkpoint(const char *dir, similarity **out);
void similarity_close(similarity **s);

/* What a score is, from now on; "angular" unless told:
 *   angular   1 - arccos(cos) / pi    0 to 1 (Universal Sentence Encoder; TextAttack's recipes)
 *   cosine    cos                    -1 to 1
 *   arccos    1 - arccos(cos)   1 - pi to 1 (the original TextFooler: no division)
 * ERR_USAGE: another name. What is kept stays valid. */
err similarity_use(similarity *s, const char *measure);

/* Of the encoder's products, before anything is asked about; nothing to do with word vectors. See
 * sentence_encoder_precision. */
err similarity_precision(similarity *s, precision p);

/* The encoder's first n layers only, before anything is asked about; nothing to do with word
 * vectors. See sentence_encoder_layers. */
err similarity_layers(similarity *s, int n);
int similarity_depth(const similarity *s, int *all); /* how many of all; 0 of 0: word vectors */

/* score (n): of each of others (n) against text. A text without any vector has cosine -1 with every
 * other, that is an angular similarity of 0. */
err similarity_score(similarity *s, const char *text, const char *const *others, int n,
                     double *score);

/* The vectors of texts (n), computed together in full batches, so that similarity_score finds them:
 * for texts of several comparisons. */
err similarity_prepare(similarity *s, const char *const *texts, int n);

typedef struct similarity_done {
    int64_t asked;    /* texts, a text of several comparisons each time */
    int64_t computed; /* of them those whose vector was not kept */
    int64_t tokens;   /* that went through the encoder for them; 0: word vectors */
} similarity_done;
/* Work so far. */
similarity_done similarity_work(const similarity *s);

#endif
