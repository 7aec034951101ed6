/* tagger_train.h: an averaged perceptron (M. Collins, 2002; M. Honnibal's design) from tagged text.
 *
 * Its classes are pairs of a Penn tag and a universal tag, as the text has them, so that both
 * columns of its output are learned. A word that is seen often and nearly always with one tag goes
 * into the tag dictionary and is not asked about. Sentences are shuffled by seed in every epoch;
 * weights are whole numbers until they are averaged: the same text, seed and epochs give the same
 * bytes. Not collective. */
#ifndef ESPALIER_TEXT_TAGGER_TRAIN_H
#define ESPALIER_TEXT_TAGGER_TRAIN_H

#include "text/tagged_text.h"
#include "text/tagger.h"

#include <stdint.h>

typedef struct tagger_plan {
    int epochs;          /* passes over the text */
    uint64_t seed;       /* of the order of sentences */
    const char *made_by; /* program and version, for the provenance */
} tagger_plan;

/* How many words a tagger gives the right tag: Penn, universal as the text names it, and as one of
 * the twelve bits of tagger.h, which is what an attack compares. */
typedef struct tagger_score {
    int64_t words, penn, universal, bits;
} tagger_score;

typedef struct tagger_trained {
    int classes, known; /* and words of the tag dictionary */
    int64_t features, weights;
    tagger_score score; /* on dev, of the weights as they are written */
} tagger_trained;

/* Train on t and write the weights to path, in NLTK's layout (classes, tagdict, weights) with
 * "tags" (Penn and universal tag of each class) and "provenance" (both texts with SHA-256 and
 * sizes, epochs, seed, right tags on dev) beside: whole or not at all. dev NULL: none. ERR_DATA:
 * more than 256 classes. */
err tagger_train(const tagged_text *t, const tagger_plan *plan, const tagged_text *dev,
                 const char *path, tagger_trained *out);

#endif
