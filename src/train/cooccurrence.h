/* cooccurrence.h: a start for word embeddings from which words keep company. */
#ifndef ESPALIER_TRAIN_COOCCURRENCE_H
#define ESPALIER_TRAIN_COOCCURRENCE_H

#include "model/encoder.h"
#include "text/dataset.h"
#include "text/tokenizer.h"

/* Replace the word embeddings of the most frequent pieces (at most 2,048) by the leading
 * eigenvectors of the symmetric positive pointwise mutual information of x, window 4, scaled by the
 * root of their eigenvalues (Levy and Goldberg, NIPS 2014). Small encoders that start from random
 * embeddings spend their first epochs on a plateau where every word of a class is alike; this start
 * is past it. Not collective: one
 * rank computes, the others take its embeddings. */
err cooccurrence_start(encoder *m, const tokenizer *w, const examples *x);

#endif
