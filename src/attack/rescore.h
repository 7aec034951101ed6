/* rescore.h: what an attack on one example would have come to within narrower limits, from its
 * recorded queries, without asking the model again.
 *
 * Every recipe's search is greedy: words are ranked once, then one after the other; all candidates
 * of a word are asked about on the text as it stands, in their order; one of them is taken or none;
 * a word is never tried twice; a taken candidate that flips the answer ends the search. What is
 * asked next is a function of the answers so far. So:
 *
 * - Fewer queries: EXACT. The search is the same up to the budget's last query, and of the word in
 *   which the budget ends the first candidates are asked about, in their order: their answers are
 *   recorded, so that what is taken among them is known. Nothing can follow.
 * - Fewer changed words: EXACT. A step changes one word, and none is changed back. The search is
 *   the same until the limit is reached, and what follows would change one word more.
 * - A higher similarity: a BOUND in general. As long as the text is the same, the candidates that
 *   remain are those recorded that reach the higher value: which of them is taken is known, and if
 *   it flips the answer, so is the end. But once another one is taken than the recorded (or none
 *   where one was), what follows was never asked: the example is open. Aua lies between the share
 *   of those known to withstand and the same with all open ones; it is exact where none is open.
 * - More queries, more words, a lower similarity: never asked, not answered.
 *
 * Ranking depends on no limit but the budget, and where the budget ends in ranking nothing follows.
 * The limits are those of attack.query_budget, attack.similarity and attack.max_changed.
 * Not collective. */
#ifndef ESPALIER_ATTACK_RESCORE_H
#define ESPALIER_ATTACK_RESCORE_H

#include "attack/recipe.h"
#include "attack/result.h"

typedef struct rescore_limits {
    int64_t queries;   /* most of an example; INT64_MAX: as recorded */
    double similarity; /* lowest of a candidate that was tested; -INFINITY: as recorded */
    double changed;    /* largest share of the words changed, rounded up; 1: as recorded */
} rescore_limits;

typedef struct rescored {
    int open; /* 1: what follows was never asked; the rest is then where it stopped being known */
    attack_outcome outcome; /* ATTACK_SUCCESS or ATTACK_FAILED */
    int64_t queries;
    int changed;
} rescored;

/* r: outcome success or failed, with its queries; rule: which candidate its recipe takes. */
rescored rescore(const attack_result *r, acceptance rule, const rescore_limits *l);

/* Counts of examples r (n): those that are open are in none of success and failed, nor are their
 * queries. */
attack_counts rescore_count(const attack_result *r, int64_t n, acceptance rule,
                            const rescore_limits *l, int64_t *open);

/* Within the recorded limits the record itself must come out. ERR_DATA: it does not, so that this
 * search follows another rule, or has no queries. */
err rescore_check(const attack_result *r, acceptance rule);

#endif
