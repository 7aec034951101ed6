/* seeds.h: a study that is repeated over seeds, one ordinary study for each.
 *
 * Repetition K has seed K and the folder DIRECTORY/seed-K. What the data are (splits, samples, the
 * synthetic language) is the same in all of them: data.seed, or else the repeated study's own seed.
 * So the deviation over seeds is that of pre-training, starts, orders, dropout and calibration, not
 * that of the examples. A variant of seed s trains with seed 1000 K + s. Not collective. */
#ifndef ESPALIER_CONFIG_SEEDS_H
#define ESPALIER_CONFIG_SEEDS_H

#include "config/document.h"
#include "config/study.h"

enum { SEEDS_STEP = 1000 };

/* Variants of a repeated study have seeds below SEEDS_STEP, so that no two are the same. root: for
 * the message. ERR_USAGE. */
err seeds_check(const study *s, const node *root);
/* Where a study lies: its directory, or results/NAME. ERR_USAGE: too long. */
err seeds_folder(const study *s, option_text out);
/* Repetition `seed` of s. ERR_USAGE: not one of its seeds. Caller frees with study_free. */
err seeds_study(const study *s, int64_t seed, study **out);

#endif
