/* wordnet_synonyms.h: words that share a sense with a word, by part of speech, from WordNet's own
 * files (index.*, data.*, *.exc), as the wordnet-base package has them.
 *
 * const after open: shared by every example. Not collective. */
#ifndef ESPALIER_ATTACK_WORDNET_SYNONYMS_H
#define ESPALIER_ATTACK_WORDNET_SYNONYMS_H

#include "base/arena.h"

#include <stdint.h>

typedef struct wordnet_synonyms wordnet_synonyms;

/* folder: with index.noun …; "" is the system's. ERR_USAGE: it is not there, install wordnet-base;
 * ERR_DATA "file:line: …" or "file: byte …": a line or a synset is not what it should be. Caller
 * closes. */
err wordnet_synonyms_open(const char *folder, wordnet_synonyms **out);
void wordnet_synonyms_close(wordnet_synonyms **w);

/* Candidates for word whose part of speech is among tags (bits of text/tagger.h; NOUN, VERB, ADJ
 * and ADV count, UINT16_MAX is all of them): the lemmas of every sense of its base forms, as
 * WordNet spells them, without the word itself in any case, expressions of several words, and
 * repetitions. Their order is NLTK's: nouns, verbs, adjectives, adverbs; base forms by morphy;
 * senses from the most frequent down. Any case of word; *list (*n) lies in the arena; *n is 0 where
 * there is none. */
err wordnet_synonyms_of(const wordnet_synonyms *w, arena *a, const char *word, uint16_t tags,
                        const char ***list, int *n);

/* Lemma number i of all parts of speech, as its index has it ("motion_picture"); NULL: no more. A
 * lemma of two parts of speech comes twice. */
const char *wordnet_synonyms_lemma(const wordnet_synonyms *w, int64_t i);

#endif
