/* calibration.h: the calibration sentences of one rank, in chunks, on their way through the dense
 * model and the model that is being pruned. Hidden states are kept at the input of the current
 * block, so that every stage costs at most one block of forward computation.
 *
 * A chunk is a fixed run of sentences whatever the number of ranks; rank r owns chunks r, r + size,
 * … */
#ifndef ESPALIER_PRUNE_CALIBRATION_H
#define ESPALIER_PRUNE_CALIBRATION_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct calibration calibration;

/* Chunks of `chunk` sentences of x, embedded; dense and pruned must outlive it and share all
 * embeddings. The caller closes. Collective over p. */
err calibration_open(const par *p, const encoder *dense, const encoder *pruned, const examples *x,
                     int chunk, calibration **out);
void calibration_close(calibration **c); /* NULL is allowed */

/* Chunks of this rank. */
int calibration_chunks(const calibration *c);

/* What enters stage s of the current block for this rank's i-th chunk, in the dense model: x, and
 * with the pruned prefix: xhat; T tokens, each (T, H) or (T, F), valid until the next call. At
 * STAGE_DONE these are the block's outputs. Not collective. */
err calibration_inputs(calibration *c, int i, block_stage s, const float **x, const float **xhat,
                       int *T);

/* All chunks go on to the next block, through the current one as it is now. Collective. */
err calibration_advance(calibration *c);
/* Number of the current block; L after the last. */
int calibration_block(const calibration *c);

/* The [CLS] rows of the i-th chunk after the last block: x, xhat (B, H), valid until the next call.
 */
err calibration_pooled_inputs(calibration *c, int i, const float **x, const float **xhat, int *B);

#endif
