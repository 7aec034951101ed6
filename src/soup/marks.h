/* marks.h: which held-out examples a model gets right, before and under attack; its score, and how
 * two models compare on the same examples. Not collective. */
#ifndef ESPALIER_SOUP_MARKS_H
#define ESPALIER_SOUP_MARKS_H

#include <stdint.h>

typedef struct marks {
    int n, m;              /* held-out examples; how many of them are attacked */
    const uint8_t *right;  // (n) 1: right
    const uint8_t *sturdy; // (m) 1: right, and still right after the attack
    const int32_t *probe;  // (m) which held-out examples those are, ascending
} marks;

int64_t marks_right(const marks *a);
int64_t marks_sturdy(const marks *a);

/* A score is weight * Aua + (1 - weight) * Acc: Aua = sturdy / m on the attacked ones, Acc = right
 * / n on all. weight 1: Aua alone, 0: Acc alone. Both fractions from 0 to 1. */
double marks_score(const marks *a, double weight);
/* Its standard error: examples are independent draws, the attacked and the others two strata. */
double marks_error(const marks *a, double weight);

/* b against a on the same examples. */
typedef struct comparison {
    double difference, error; /* of the scores, b - a, and its standard error, paired by example */
    int64_t gained, lost;     /* examples that count for b and not for a, and the reverse; of a
                                 weighted score the attacked ones */
    double p; /* McNemar's exact test of gained against lost; NaN for a weighted score */
} comparison;
comparison marks_compare(const marks *a, const marks *b, double weight);

#endif
