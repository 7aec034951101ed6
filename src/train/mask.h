/* mask.h: which tokens a masked-language model has to predict (arXiv 1810.04805, section 3.1).
 *
 * Each token except [CLS] and [SEP] is chosen with probability `share`; of the chosen, 80 % become
 * [MASK], 10 % a random piece of the vocabulary, 10 % stay. A token's fate is a function of (seed,
 * epoch, sequence, position): new masks each epoch, the same on any number of ranks. */
#ifndef ESPALIER_TRAIN_MASK_H
#define ESPALIER_TRAIN_MASK_H

#include "base/err.h"
#include "tensor/dims.h"
#include "text/tokenizer.h"

typedef struct masking {
    uint64_t seed;
    double share; /* fraction */
    int V;
    int32_t mask, cls, sep;
} masking;

/* ERR_DATA: the vocabulary has no [MASK]. Not collective. */
err masking_make(const tokenizer *w, uint64_t seed, double share, masking *out);

/* ids (T): b's with the chosen ones replaced; positions (M), ascending in 0 .. T - 1, and targets
 * (M): where tokens were chosen and what stood there (both arrays have room for T). Returns M.
 * b->example are the sequences' numbers. Not collective. */
int mask_tokens(const masking *k, uint32_t epoch, const batch *b, int32_t *ids, int32_t *positions,
                int32_t *targets);

#endif
