/* oracle_batch.h: the batch of a vectors.safetensors file: padded arrays, packed for the encoder.
 */
#ifndef ESPALIER_JOBS_ORACLE_BATCH_H
#define ESPALIER_JOBS_ORACLE_BATCH_H

#include "io/safetensors.h"
#include "tensor/dims.h"

typedef struct oracle_batch {
    batch b;
    int32_t *ids, *types, *place; // (T) place: row of each token in the padded (B * S) arrays
    int32_t *offsets, *labels;    // (B + 1), (B)
    int32_t *positions, *targets; // (M) masked positions as packed tokens, their true ids
    int M;
} oracle_batch;

/* ERR_DATA: an array is missing or contradicts another. The caller frees, also after an error. */
err oracle_batch_read(const safetensors *s, oracle_batch *out);
void oracle_batch_free(oracle_batch *o);

#endif
