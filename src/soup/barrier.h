/* barrier.h: the loss barrier between two ingredients (linear mode connectivity, arXiv 1912.05671):
 * by how much the loss on the straight line between them rises above the straight line between
 * their losses. Where it is near zero, the two lie in one basin and their average makes sense. */
#ifndef ESPALIER_SOUP_BARRIER_H
#define ESPALIER_SOUP_BARRIER_H

#include "eval/accuracy.h"
#include "soup/ingredient.h"

typedef struct barrier_point {
    double alpha; /* weights (1 - alpha) * first + alpha * second */
    accuracy a;   /* on the held-out examples */
} barrier_point;

typedef struct soup_barrier {
    int first, second;    /* index into the ingredients */
    double height, alpha; /* max over the points of loss - chord, nats, at least 0; and where */
    barrier_point *point; // (points + 2) from alpha 0 to 1; owned
} soup_barrier;

typedef struct barrier_setup {
    const par *p;
    const char *journal_dir; /* NULL: no journal */
    const soup_ingredient *s;
    const int *index; // (n) which of s
    int n, points;    /* points: inside the line, at k / (points + 1) */
    const examples *heldout;
} barrier_setup;

/* All n (n - 1) / 2 pairs, in the order (0, 1), (0, 2), …, (1, 2), …. Points are units over the
 * ranks, journalled. *out is allocated, barriers_free frees it. Collective. */
err soup_barriers(const barrier_setup *s, soup_barrier **out, int *pairs);
void barriers_free(soup_barrier **b, int pairs);

#endif
