/* checkpoint.h: the state of a pre-training run in one safetensors file, to go on from exactly.
 *
 * Arrays: "parameters", "m", "v" (n) float32, "counters" int64 and "heldout" float64. Whole or not
 * at all. Not collective. */
#ifndef ESPALIER_TRAIN_CHECKPOINT_H
#define ESPALIER_TRAIN_CHECKPOINT_H

#include "base/err.h"
#include "train/optimiser.h"

#include <stddef.h>
#include <stdint.h>

typedef struct checkpoint_state {
    int64_t run;          /* which run it belongs to: a hash of everything that goes into it */
    int64_t step, tokens; /* done */
    int64_t updates;      /* of the optimiser */
    int64_t history;      /* of the divergence watch */
    double heldout_first; /* nats; NaN if nothing was masked */
} checkpoint_state;

err checkpoint_save(const char *path, const checkpoint_state *s, const float *block,
                    const optimiser *o);

/* Fills s, block (n) and o's moments and step. ERR_DATA: damaged, of another shape, or of another
 * run than `run`. */
err checkpoint_load(const char *path, int64_t run, checkpoint_state *s, float *block, optimiser *o);

#endif
