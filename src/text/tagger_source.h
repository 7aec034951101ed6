/* tagger_source.h: what the sources of part of speech have in common. Private to tagger*.c. */
#ifndef ESPALIER_TEXT_TAGGER_SOURCE_H
#define ESPALIER_TEXT_TAGGER_SOURCE_H

#include "io/dictionary.h"
#include "io/json.h"
#include "text/tagger.h"

typedef struct perceptron perceptron;

struct tagger {
    enum { TAGGER_NONE, TAGGER_LEXICON, TAGGER_WORDNET, TAGGER_PERCEPTRON } kind;
    dictionary *words; /* lexicon, WordNet: forms */
    uint16_t *tags;    /* (cap) tag set of each form */
    size_t cap;
    dictionary *irregular; /* WordNet: form of the exception lists … */
    uint16_t *irregular_tags;
    size_t irregular_cap;
    perceptron *model;
};

/* Give a form one more tag. */
err tagger_add(dictionary *words, uint16_t **tags, size_t *cap, const char *form, size_t n,
               uint16_t tag);
/* The bit of a universal tag's name (Petrov's twelve, and the seventeen of Universal Dependencies),
 * 0 where there is none of that name. */
uint16_t tag_bit(const char *name);

/* A perceptron from the text of its file; what: for messages. */
err tagger_open_text(const char *text, const char *what, tagger **out);
err tagger_open_wordnet(tagger *t, const char *folder);
uint16_t tagger_wordnet_tags(const tagger *t, const char *word); /* lower-case word */

/* From weights; path: for messages. The bulk of file is dropped. */
err perceptron_open(json_t *file, const char *path, perceptron **out);
void perceptron_close(perceptron **p);
err perceptron_tag(const perceptron *p, const char *const *words, int n, uint16_t *tags,
                   int16_t *penn);
const char *perceptron_class(const perceptron *p, int i);     /* Penn tag of a class */
const char *perceptron_universal(const perceptron *p, int i); /* as its file calls it */

#endif
