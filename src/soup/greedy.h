/* greedy.h: the greedy average (arXiv 2203.05482, "greedy soup"; 2310.13191, Algorithm 3). */
#ifndef ESPALIER_SOUP_GREEDY_H
#define ESPALIER_SOUP_GREEDY_H

#include "soup/exam.h"

typedef struct greedy_rule {
    int strict; /* accept when the score rises (2203.05482); 0: when it does not fall (2310.13191)
                 */
    double weight; /* of the score, see marks.h */
    double guard;  /* standard errors by which a model's accuracy may be below that of the most
                      accurate ingredient: a model that always says the same withstands every
                      attack. 0: no guard */
} greedy_rule;

typedef struct soup_decision {
    int step, ingredient; /* index into the ingredients as given; step 0: the start */
    int accepted;
    int tie;               /* 1: the difference is within its standard error */
    char name[64];         /* of the candidate */
    double before, after;  /* scores of the average without and with it */
    double error;          /* standard error of after */
    comparison change;     /* with it against without it; of the start: nothing */
    int64_t right, sturdy; /* of the candidate */
    double behind; /* standard errors of its accuracy below the most accurate ingredient's; 0: none
                    */
    char reason[160];
} soup_decision;

/* Decide on one candidate: step, ingredient and name of d are given. best: the most accurate
 * ingredient's marks, best_name: its name; before: of the average so far. Not collective. */
void greedy_judge(const greedy_rule *r, const marks *best, const char *best_name,
                  const marks *before, const marks *after, soup_decision *d);

/* Score all ingredients s (n). Those that may be averaged, sorted by score (then held-out accuracy,
 * then order in the list; those that the guard would not accept come last): start with the first,
 * try the UNIFORM mean of the accepted ones and the next, keep it by the rule. Means are taken in
 * list order, so that the same members are the same bytes. decisions (n) in the order tried,
 * *n_decisions of them; members (n): 1 where accepted. A candidate's name is "soup-" and a hash of
 * its members' names. ERR_FAILED: no ingredient. Caller destroys *out. Collective. */
err soup_greedy(exam *x, const par *p, const soup_ingredient *s, int n, const greedy_rule *r,
                soup_decision *decisions, int *n_decisions, int *members, encoder **out);

#endif
