/* synonyms.h: lists of neighbours put together from several sources, and written as an index.
 *
 * A word's list has the neighbours of each source in the order in which sources are added; a word
 * never stands in its own list, nor twice in one list, nor beside a word that is excluded from it:
 * such pairs are dropped and counted. All words are taken in lower case. Not collective. */
#ifndef ESPALIER_ATTACK_SYNONYMS_H
#define ESPALIER_ATTACK_SYNONYMS_H

#include "attack/nearest.h"
#include "attack/word_vectors.h"

typedef struct synonyms synonyms;

err synonyms_create(synonyms **out); /* caller destroys */
void synonyms_destroy(synonyms **s);

/* Pairs that are left out of all lists that are added later, both ways: two words a line, such as
 * WordNet's antonyms. ERR_DATA "file:line: …": other than two words. */
err synonyms_exclude(synonyms *s, const char *path);

/* The nearest others of each vector: near (n, top) and count (n) of nearest_all. */
err synonyms_add_vectors(synonyms *s, const word_vectors *v, const nearest_one *near,
                         const int32_t *count, int top);
/* A JSON file: word -> list of words, nearest first. */
err synonyms_add_json(synonyms *s, const char *path);
/* Two words a line (PPDB): each is a neighbour of the other. */
err synonyms_add_pairs(synonyms *s, const char *path);
/* Words that share a sense by WordNet ("": the system's): for every word of the sources before, or
 * for all of WordNet's single words where it is the first. */
err synonyms_add_wordnet(synonyms *s, const char *folder);

typedef struct synonyms_counts {
    int64_t words, with; /* all, and those that have neighbours */
    int64_t pairs;
    int64_t own, repeated, excluded; /* dropped: a word beside itself, twice, excluded */
} synonyms_counts;
void synonyms_count(const synonyms *s, synonyms_counts *out);

/* provenance: JSON. See neighbour_index.h. */
err synonyms_write(const synonyms *s, const char *provenance, const char *path);

#endif
