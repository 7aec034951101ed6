/* calibration.h: the calibration sentences of one rank, in chunks, on their way through the dense
 * model and the models that are being pruned, all at the same stage of the same block.
 *
 * Kept for every model and chunk is what the next stage starts from: the block's input, with the
 * attention's context beside it where the attention output is to be pruned, then what that and the
 * residual make. So a model takes a block's products once, but for those of the gelu, which is four
 * times as wide and made anew: 32 H^2 operations a token and block instead of 24 for a forward pass
 * alone. The dense model, which stays what it is, goes on to the block's output as soon as its gelu
 * is there. Rows of products are independent of when they are made: the bits are those of
 * encoder_block from the block's input.
 *
 * A chunk is a fixed run of sentences whatever the number of ranks; rank r owns chunks r, r + size,
 * … */
#ifndef ESPALIER_PRUNE_CALIBRATION_H
#define ESPALIER_PRUNE_CALIBRATION_H

#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

typedef struct calibration calibration;

/* Chunks of `chunk` sentences of x, embedded, for models (n) of one shape, which must outlive it
 * and share all embeddings; at STAGE_QKV of block 0. The first of them is dense: its weights do not
 * change. 4 T H bytes a model for the T tokens of this rank, 8 T H at STAGE_ATT and of the dense
 * one always. The caller closes. Collective over p. */
err calibration_open(const par *p, const encoder *const *models, int n, const examples *x,
                     int chunk, calibration **out);
void calibration_close(calibration **c); /* NULL is allowed */

/* Chunks of this rank. */
int calibration_chunks(const calibration *c);
/* Where all models are; the block is L after the last, at STAGE_QKV. */
int calibration_block(const calibration *c);
block_stage calibration_stage(const calibration *c);

/* What enters the current stage in model number m for this rank's i-th chunk: x, T tokens, (T, H),
 * (T, F) at STAGE_OUT; valid until the next call. Not collective. */
err calibration_input(calibration *c, int i, int m, const float **x, int *T);
/* The [CLS] rows of x after the last block: (B, H), valid until the next call. Not collective. */
err calibration_pooled_input(calibration *c, int i, int m, const float **x, int *B);

/* All models go on to the next stage, through the current one's linears as they are now: behind
 * STAGE_OUT to the next block. Collective. */
err calibration_next(calibration *c);
/* On to the start of the next block. Collective. */
err calibration_advance(calibration *c);

#endif
