/* gradient.h: how much a victim's loss depends on each word. Private to the attack. */
#ifndef ESPALIER_ATTACK_GRADIENT_H
#define ESPALIER_ATTACK_GRADIENT_H

#include "attack/search.h"

/* norm (words): the L1 norm of the mean over a word's ids of the gradient of the cross-entropy of
 * the true class with respect to their embeddings (A2T, arXiv 2109.00544, section 3.1); 0 for a
 * word that the victim does not read. */
err gradient_norms(search *s, double *norm);

#endif
