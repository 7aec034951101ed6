/* synthetic.h: a generated review language, so that a study runs without any file.
 *
 * A grammar with polarity-bearing words in synonym sets, negation and intensifiers, neutral clauses
 * and skewed (Zipf) frequencies inside each set; part of speech and synonyms known by construction.
 * The unlabelled corpus uses all synonyms, the labelled training set mainly the frequent ones: what
 * pre-training taught decides how a model takes a synonym it never saw labelled. Everything is a
 * function of the seed. Not collective. */
#ifndef ESPALIER_TEXT_SYNTHETIC_H
#define ESPALIER_TEXT_SYNTHETIC_H

#include "text/dataset.h"

typedef struct synthetic_plan {
    uint64_t seed;
    int train, test, corpus; /* sentences of each part */
} synthetic_plan;

/* Write DIR/train.tsv, test.tsv (sentence<TAB>label with header, GLUE layout), corpus.txt (one
 * sentence a line), vocab.txt (WordPiece), neighbours.json (word → synonyms, nearest first),
 * tags.tsv (word<TAB>universal tag), each atomically. */
err synthetic_write(const synthetic_plan *o, const char *dir);

#endif
