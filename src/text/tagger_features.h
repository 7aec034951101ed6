/* tagger_features.h: what an averaged perceptron looks at, as 64-bit keys. Private to tagger*.c.
 *
 * A feature is a kind ("i-1 tag+i word") and one or two texts ("DT", "dog"). Texts are hashed once
 * when a word comes by, kinds combine those hashes; no text is built while tagging. The first
 * FEATURE_NLTK kinds are those of nltk/tag/perceptron.py, in its order; the others serve taggers of
 * our own, and cost nothing where a file of weights has none of them. Two different features with
 * one key are refused when weights are read; that a word which no weight knows meets a key by
 * chance has a probability of 1e-13 a feature. Not collective. */
#ifndef ESPALIER_TEXT_TAGGER_FEATURES_H
#define ESPALIER_TEXT_TAGGER_FEATURES_H

#include "base/strbuf.h"

#include <stdint.h>

typedef enum feature_kind {
    FEATURE_BIAS,
    FEATURE_SUFFIX,
    FEATURE_FIRST,
    FEATURE_TAG_1,
    FEATURE_TAG_2,
    FEATURE_TAGS,
    FEATURE_WORD,
    FEATURE_TAG_WORD,
    FEATURE_WORD_1,
    FEATURE_SUFFIX_1,
    FEATURE_WORD_2,
    FEATURE_NEXT,
    FEATURE_NEXT_SUFFIX,
    FEATURE_NEXT_2,
    FEATURE_NLTK, /* how many of them are NLTK's */
    FEATURE_SHAPE = FEATURE_NLTK,
    FEATURE_NEXT_SHAPE,
    FEATURE_SUFFIX2,
    FEATURE_SUFFIX4,
    FEATURE_PREFIX3,
    FEATURE_WORDS_1,
    FEATURE_WORDS_NEXT,
    FEATURE_AS_WRITTEN,
    FEATURE_COUNT
} feature_kind;

/* Which kind "i-1 tag+i word DT dog" is, and its key; -1: none that is computed here. */
int feature_read(const char *text, uint64_t *key);

uint64_t feature_hash(const char *text, size_t n); /* of a text: FNV-1a, mixed */
/* The tag dictionary shares a table with the features: the key of a word in it. */
uint64_t feature_known(uint64_t written);

/* What is looked at of one word of a text. */
typedef struct feature_word {
    uint64_t written; /* as it stands there */
    uint64_t word;    /* !HYPHEN, !YEAR, !DIGITS, or in lower case */
    uint64_t suffix;  /* last three characters as written */
    uint64_t word_suffix;
    uint64_t first; /* first character */
    uint64_t shape, suffix2, suffix4, prefix3;
} feature_word;

/* NLTK's normal form of a word: !HYPHEN, !YEAR, !DIGITS, or lower case (in out, where it is not one
 * of these). Of a word longer than any in a file of weights only the end is kept. */
enum { FEATURE_NORMAL_BYTES = 512 };
const char *feature_normal(const char *word, char out[FEATURE_NORMAL_BYTES]);

/* normal: of written; the marks outside a text are their own. ours: also the last line of fields.
 */
void feature_word_of(const char *written, const char *normal, int ours, feature_word *out);
/* What stands before (-2, -1) and behind (0, 1) a text: "-START-" … "-END2-". */
const char *feature_outside(int place);

/* Words i - 2 … i + 2 of a text. */
typedef struct feature_context {
    const feature_word *at[5];
} feature_context;

/* Keys of all features of the middle word, by kind; tags: hashes of the two tags before. */
void feature_keys(const feature_context *c, uint64_t tag_1, uint64_t tag_2, int ours,
                  uint64_t key[FEATURE_COUNT]);

/* Append the text of a feature, for a file; words i - 2 … i + 2 and their normal forms. */
typedef struct feature_texts {
    const char *written[5], *normal[5], *tag_1, *tag_2;
} feature_texts;
err feature_write(feature_kind kind, const feature_texts *t, strbuf *out);

#endif
