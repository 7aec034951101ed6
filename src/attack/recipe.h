/* recipe.h: attacks as compositions of four parts: how words are ranked, where candidates for a
 * word come from, which constraints they must keep, and which of them the search takes.
 *
 * One table (recipe.c). Where the publications leave something open, TextAttack's recipes
 * (attack_recipes/ of version 0.3) decide; what differs from them or from the publication:
 *
 *   textfooler           TextAttack's TextFoolerJin2019; equal to a recorded run, word by word.
 *   textfooler-original  arXiv 1907.11932 and its code: ranked with the word made [UNK], plus the
 *                        rise of the class that wins where the answer flips; similarity
 *                        1 - arccos(cos) >= 0.7 (0.1 in texts shorter than the window); parts of
 *                        speech in the current text; candidates accepted against the ORIGINAL
 *                        probability; of those that flip the most similar. Differs: the original
 *                        asks about stop words and about candidates before it tests them (more
 *                        queries, same outcome), and splits words at white space.
 *   pwws                 ACL P19-1103: synonyms of WordNet of the word's part of speech in the
 *                        text, order softmax(saliency) * best drop, saliency with the word made
 *                        [UNK]. Differs: no named entities (as TextAttack); TextAttack multiplies
 *                        with 1 - P(true) instead of the drop and takes synonyms of any part of
 *                        speech; a word is replaced if that lowers P(true) in the current text
 *                        (TextAttack), where the paper takes its best synonym unseen.
 *   textbugger           arXiv 1812.05271: space inserted, character deleted, two swapped (none of
 *                        them first or last), each look-alike character, five nearest words; cosine
 *                        of the whole text to the ORIGINAL >= 0.8. Look-alikes are a table of our
 *                        own (edits.c); TextAttack measures angles to the current text.
 *   bert-attack          arXiv 2004.09984: the most probable words of a masked-language model that
 *                        reads the unchanged text (the authors' code; TextAttack reads the current
 *                        one), 48 a word; a word of several pieces by the most probable
 *                        combinations of pieces in the same pass (TextAttack computes all of them
 *                        but does not sort them; the authors rank 24 by a pass without context);
 *                        at most 40 % of the words; cosine to the ORIGINAL >= 0.2; ranked by [UNK].
 *   deepwordbug          arXiv 1801.04354: swap, substitute, delete, insert a random character;
 *                        edit distance <= 30; ranked by [UNK] as in TextAttack (the paper scores
 *                        prefixes and suffixes).
 *   a2t                  arXiv 2109.00544: ranked by the L1 norm of the loss's gradient with
 *                        respect to the word's mean embedding (no queries), 20 neighbours of
 *                        cosine >= 0.8, same part of speech, at most 10 % of the words (but four),
 *                        cosine of the whole text >= 0.9 to the current one.
 *
 * Everywhere: a word is changed once, stop words never, candidates have the original's case.
 * `queries` counts every text asked about, as TextAttack: also one that was asked before in the
 * same example, which costs nothing. Not collective. */
#ifndef ESPALIER_ATTACK_RECIPE_H
#define ESPALIER_ATTACK_RECIPE_H

#include "base/strbuf.h"
#include "config/study.h"

typedef enum rank_way {
    RANK_DELETE,   /* P(true) without the word */
    RANK_UNK,      /* with [UNK] in its place */
    RANK_UNK_FLIP, /* the same, plus the rise of another class where that wins */
    RANK_SALIENCY, /* softmax of RANK_UNK's drops times the best candidate's drop */
    RANK_GRADIENT, /* L1 norm of the gradient of the loss at the word's embeddings */
} rank_way;

typedef enum candidate_source {
    FROM_NEIGHBOURS, /* nearest first */
    FROM_SYNONYMS,   /* WordNet's */
    FROM_BUGS,       /* TextBugger's five */
    FROM_EDITS,      /* DeepWordBug's four */
    FROM_MASKED_LM,  /* most probable first */
} candidate_source;

typedef enum speech {
    SPEECH_ANY,
    SPEECH_STRICT,    /* the same part of speech */
    SPEECH_NOUN_VERB, /* the same, or noun for verb and the reverse */
} speech;

typedef enum acceptance {
    ACCEPT_LOWER,    /* the best candidate, if it lowers the current P(true) */
    ACCEPT_ORIGINAL, /* any that flips, else the best, if it is below the original P(true) */
} acceptance;

/* The number that stands for "no such constraint" and, in options, for "the recipe's own". */
#define RECIPE_OWN -4.0

typedef struct recipe {
    const char *name, *help;
    rank_way ranking;
    candidate_source from;
    int max_candidates; /* words taken from the source, before constraints */
    double min_cosine;  /* of a neighbour's vector */
    speech pos;
    int tag_current;         /* 1: candidates are tagged in the current text, see constraint.c */
    const char *measure;     /* of similarity: angular, cosine, arccos */
    double similarity;       /* lowest; RECIPE_OWN: not tested */
    double similarity_short; /* of texts shorter than the window; RECIPE_OWN: not tested */
    int window;              /* words around the change; 0: the whole text, always tested */
    int to_original;         /* compared with the original text instead of the current one */
    double max_changed;      /* share of the words, rounded up; 1: no limit */
    int least_changed;       /* words that may be changed whatever the share */
    int max_edits;           /* edit distance of the whole text; 0: no limit */
    acceptance accept;
} recipe;

enum { RECIPES = 7 };
const recipe *recipe_at(int i); /* 0 .. RECIPES - 1, as in options.h */

/* Every option of an attack at its default, and this recipe. */
err recipe_options(const char *name, attack_options *out);

/* The recipe that o names, with the thresholds that o sets instead of its own. ERR_USAGE: no such
 * recipe. */
err recipe_settle(const attack_options *o, recipe *out);

/* o's sources and limits of work with another recipe, whose thresholds are its own. */
err recipe_another(const attack_options *o, const char *name, attack_options *out);

/* 1 if its candidates come from neighbours (of a file or of vectors). */
int recipe_wants_neighbours(const recipe *r);

/* "name  what it is" a line, for --help. */
err recipe_list(strbuf *out);

#endif
