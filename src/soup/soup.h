/* soup.h: weight averages of fine-tuned variants (arXiv 2203.05482; 2310.13191, Algorithm 3). */
#ifndef ESPALIER_SOUP_SOUP_H
#define ESPALIER_SOUP_SOUP_H

#include "model/encoder.h"
#include "par/par.h"

/* Score a model; the same value on every rank. Collective. name: unique and stable, keys the
 * journal. */
typedef err (*soup_score)(void *state, const char *name, const encoder *m, int64_t *count,
                          int64_t *n);

typedef struct soup_ingredient {
    char name[64];
    char dir[4096];
    int64_t count, n; /* its own score: count of n (robust held-out examples) */
    int64_t tie;      /* decides between equal scores: held-out correct; then order in the list */
} soup_ingredient;

typedef struct soup_decision {
    int step, ingredient; /* index into the ingredients as given */
    int accepted;
    int64_t before, after, n; /* score of the average without and with it, counts of n */
} soup_decision;

/* Uniform mean of the ingredients s[index[0 .. n - 1]], heads included, streamed: one model and one
 * float64 sum of memory whatever their number. Summed in float64 in the order of index, each weight
 * rounded to float32 once. ERR_DATA names both where two do not fit: shape, classes, vocabulary.
 * Caller destroys. Not collective. */
err soup_mean(const soup_ingredient *s, const int *index, int n, encoder **out);

/* Greedy average: sorted by score (count, then tie, then order), start with the best, try the
 * UNIFORM mean of the accepted ones and the next, keep it if the score does not fall (strict = 0)
 * or rises (strict = 1). Means are taken in list order, so that the same members are the same
 * bytes. decisions (n) in the order tried, the first is the start, with its own score; members (n):
 * 1 where accepted. A candidate's name is "soup-" and a hash of its members' names. ERR_FAILED: no
 * ingredient, or scores over different numbers of examples. Caller destroys. Collective. */
err soup_greedy(const par *p, const soup_ingredient *s, int n, int strict, soup_score score,
                void *state, soup_decision *decisions, int *members, encoder **out);

#endif
