/* tagger.h: part of speech in context, from a pluggable source.
 *
 * Tags are universal (Petrov et al., 2012). A source that knows only word forms (WordNet, a
 * lexicon) gives the set of tags a form can have; a tagger gives exactly one. Two words agree in
 * part of speech when their sets meet, noun and verb counting as one where the attack allows it.
 * const after open. */
#ifndef ESPALIER_TEXT_TAGGER_H
#define ESPALIER_TEXT_TAGGER_H

#include "base/err.h"

#include <stdint.h>

/* bits of a tag set */
enum {
    TAG_NOUN = 1 << 0,
    TAG_VERB = 1 << 1,
    TAG_ADJ = 1 << 2,
    TAG_ADV = 1 << 3,
    TAG_PRON = 1 << 4,
    TAG_DET = 1 << 5,
    TAG_ADP = 1 << 6,
    TAG_NUM = 1 << 7,
    TAG_CONJ = 1 << 8,
    TAG_PRT = 1 << 9,
    TAG_PUNCT = 1 << 10,
    TAG_X = 1 << 11,
};

typedef struct tagger tagger;

/* source: "none" (everything agrees), "wordnet" (path: folder with index.noun … "" = the system's),
 * "lexicon" (path: word<TAB>universal tag lines, a word may have several), "perceptron" (path:
 * weights in NLTK's JSON layout). Of a form that nobody knows, WordNet says
 * number by its first digit, mark where it has neither letter nor digit, else noun, as most unknown
 * words are; a lexicon says X. Case counts for the perceptron only. Caller closes. */
err tagger_open(const char *source, const char *path, tagger **out);
/* Which source a path is: "wordnet" for a folder or "", "perceptron" for a file that begins with
 * "{", else "lexicon". ERR_IO: it cannot be read. */
err tagger_recognise(const char *path, const char **source);
void tagger_close(tagger **t);

/* Tag sets of words[0 .. n-1] in context: tags (n). Penn tags, where the source has them, go to
 * penn (n) as indices of tagger_penn_name; NULL when not wanted. Not collective. */
err tagger_tag(const tagger *t, const char *const *words, int n, uint16_t *tags, int16_t *penn);
const char *tagger_penn_name(const tagger *t, int i);
/* The universal tag of the same index as the source's file calls it: a tagger that was trained on
 * text of Universal Dependencies says PROPN where the bit is TAG_NOUN. "" where i is -1. */
const char *tagger_universal_name(const tagger *t, int i);
const char *tag_name(uint16_t tag); /* "NOUN", of the lowest bit */

#endif
