/* selection.h: which weights go, where every weight has a score of its own: the lowest of a row, of
 * a whole linear layer, or of every group of an N:M pattern.
 *
 * A mask is one byte a weight: 1 kept, 0 removed. Ties go to the lowest index; NaN counts as
 * largest. Nothing here is collective. */
#ifndef ESPALIER_PRUNE_SELECTION_H
#define ESPALIER_PRUNE_SELECTION_H

#include "base/err.h"

#include <stdint.h>

/* N:M: of every `of` consecutive inputs of a row exactly `keep` stay; {0, 0}: no pattern */
typedef struct pattern {
    int keep, of;
} pattern;

/* "none" or "N:M" with 1 <= N < M <= 4096. ERR_USAGE: something else. */
err pattern_parse(const char *text, pattern *out);
/* ERR_USAGE: M does not divide the number of inputs d. */
err pattern_check(pattern p, int d);
/* Weights that the pattern removes from a row of d. */
int pattern_removals(pattern p, int d);

/* kept (n) = 0 for the k lowest of score (n), none of them negative, 1 for the others. */
void select_lowest(const double *score, int64_t n, int64_t k, char *kept);
/* kept (d) of one row, as the pattern asks, by score (d). */
void select_pattern(const double *score, int d, pattern p, char *kept);

#endif
