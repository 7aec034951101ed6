/* scores.h: scores that judge every weight alone, the baselines to exact OBS: magnitude, random,
 * and Wanda (arXiv 2306.11695). Low goes first; what is kept is not changed. Not collective. */
#ifndef ESPALIER_PRUNE_SCORES_H
#define ESPALIER_PRUNE_SCORES_H

#include "prune/hessian.h"

#include <stdint.h>

/* score (d) = |w|, w (d). */
void scores_magnitude(double *score, const double *w, int d);
/* score (d) = |w_j| * ||X_j||_2 over the calibration tokens of h. */
void scores_wanda(double *score, const double *w, const hessian *h);
/* score (d) in [0, 1), a function of (seed, site, row, column) alone: site numbers the stage. */
void scores_random(double *score, int d, uint64_t seed, uint32_t site, uint32_t row);

#endif
