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
 * weights in NLTK's JSON layout). A form that nobody knows is a noun for WordNet, as most unknown
 * words are, and X for a lexicon. Case counts for the perceptron only. Caller closes. */
err tagger_open(const char *source, const char *path, tagger **out);
void tagger_close(tagger **t);

/* Tag sets of words[0 .. n-1] in context: tags (n). Penn tags, where the source has them, go to
 * penn (n) as indices of tagger_penn_name; NULL when not wanted. Not collective. */
err tagger_tag(const tagger *t, const char *const *words, int n, uint16_t *tags, int16_t *penn);
const char *tagger_penn_name(const tagger *t, int i);
const char *tag_name(uint16_t tag); /* "NOUN", of the lowest bit */

#endif
