/* averages.h: what the soup stage found: scores, decisions, learned weights, barriers. */
#ifndef ESPALIER_JOBS_AVERAGES_H
#define ESPALIER_JOBS_AVERAGES_H

#include "soup/barrier.h"
#include "soup/greedy.h"

typedef struct averages {
    soup_ingredient *s; /* (n) variants that were trained to their end */
    int *variant;       /* (n) which of the study's */
    int n;
    int *index; /* (k) those of s that may be averaged */
    int k;
    double weight; /* of Aua in the score */
    exam *exam;
    int32_t *probe; /* held-out examples that are attacked */
    int64_t *order;
    soup_decision *decisions;
    int n_decisions;
    int *members;          /* (n) 1: in the greedy average */
    int steps, best_step;  /* of the learned one; steps 0: there is none */
    double *loss, *shares; /* (steps + 1), (steps + 1, k) */
    soup_barrier *barriers;
    int pairs, points;
} averages;

/* Number of a variant among s, -1: it has no model. */
int averages_find(const averages *a, int variant);
/* 1 if s[i] is of the index. */
int averages_in(const averages *a, int i);
void averages_free(averages *a);

#endif
