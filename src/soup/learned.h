/* learned.h: an average whose weights are learned on held-out loss (arXiv 2203.05482, "learned
 * soup"): theta = sum of a_i theta_i, a = softmax(b), so that d loss / d a_i = <gradient, theta_i>.
 *
 * Full batches, no dropout, Adam on b from the uniform mean: a pure function of the ingredients and
 * the examples. Batches of 64 are units over the ranks and are journalled; only numbers are
 * exchanged. Memory: two blocks and a training step's activations, whatever the number of
 * ingredients. */
#ifndef ESPALIER_SOUP_LEARNED_H
#define ESPALIER_SOUP_LEARNED_H

#include "soup/ingredient.h"
#include "text/dataset.h"

typedef struct learned_setup {
    const par *p;
    const char *journal_dir; /* NULL: no journal */
    const soup_ingredient *s;
    const int *index; // (n) which of s
    int n, steps;
    double rate; /* Adam's, on b */
    const examples *heldout;
} learned_setup;

/* loss (steps + 1): mean held-out cross-entropy before each step and after the last, nats. weights
 * (steps + 1, n): the a of each. *best: the step of the lowest loss; *out its average, which the
 * caller destroys. ERR_FAILED: a loss that is not finite. Collective. */
err soup_learn(const learned_setup *s, double *loss, double *weights, int *best, encoder **out);

#endif
