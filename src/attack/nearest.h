/* nearest.h: for every one of many vectors the others of highest cosine, by products of blocks. */
#ifndef ESPALIER_ATTACK_NEAREST_H
#define ESPALIER_ATTACK_NEAREST_H

#include "par/par.h"

#include <stdint.h>

typedef struct nearest_one {
    uint32_t word; /* row */
    float cosine;
} nearest_one;

/* out (n, top) and count (n) on rank 0: for each row of v (n, d; length 1, the same on every rank)
 * up to top others of cosine >= least, highest first, of equals the one that stands first. Blocks
 * of rows are handed out to the ranks; which rank takes one does not matter for its result. out and
 * count are needed on every rank. Collective. */
err nearest_all(const par *p, const float *v, int n, int d, int top, double least, nearest_one *out,
                int32_t *count);

/* The same by one loop over all pairs in float64, of row i: for tests. Not collective. */
int nearest_slowly(const float *v, int n, int d, int i, int top, double least, nearest_one *out);

#endif
