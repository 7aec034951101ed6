/* selection.h: which weights go, where every weight has a score of its own: the lowest of a row, of
 * a whole linear layer, or of every group of an N:M pattern.
 *
 * A mask is one byte a weight: 1 kept, 0 removed. Ties go to the lowest index; NaN counts as
 * largest. Nothing here is collective. */
#ifndef ESPALIER_PRUNE_SELECTION_H
#define ESPALIER_PRUNE_SELECTION_H

#include "base/err.h"

#include <stdint.h>

/* N:M: of every `of` consecutive inputs of a row exactly `keep` stay; N:MxC: of every `of`
 * consecutive blocks of `block` inputs, each of which stays or goes as a whole; {0}: no pattern.
 * block 0 is 1. */
typedef struct pattern {
    int keep, of, block;
} pattern;

/* "none", "N:M" or "N:MxC" with 1 <= N < M <= 4096, 1 <= C <= 256. ERR_USAGE: something else. */
err pattern_parse(const char *text, pattern *out);
/* Inputs of a block; inputs of a group, 0 without a pattern. */
static inline int pattern_block(pattern p) {
    return p.block > 1 ? p.block : 1;
}
static inline int pattern_span(pattern p) {
    return p.of * pattern_block(p);
}
/* ERR_USAGE: groups do not divide the number of inputs d. */
err pattern_check(pattern p, int d);
/* Weights that the pattern removes from a row of d. */
int pattern_removals(pattern p, int d);

/* kept (n) = 0 for the k lowest of score (n), none of them negative, 1 for the others. */
void select_lowest(const double *score, int64_t n, int64_t k, char *kept);
/* kept (d) of one row, as the pattern asks, by score (d); a block's is the sum of its inputs'. */
void select_pattern(const double *score, int d, pattern p, char *kept);

#endif
