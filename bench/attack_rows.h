/* attack_rows.h: what the benches of attacks have in common: TextFooler on rows of a data set, on
 * one core, several on their way at a time. Not collective. */
#ifndef ESPALIER_BENCH_ATTACK_ROWS_H
#define ESPALIER_BENCH_ATTACK_ROWS_H

#include "attack/attack.h"

/* data/name as the value of an option. ERR_USAGE: too long. */
err attack_rows_path(char out[OPTION_TEXT_BYTES], const char *data, const char *name);

/* TextFooler with the neighbours and the tagger's weights below the folder data, and similarity by
 * this source. */
err attack_rows_options(const char *data, const char *similarity, attack_options *out);

/* Attack rows first .. first + n - 1 of d: r (n) of them, freed first where it holds results. An
 * example that raises an error ends all. Caller frees each. */
err attack_rows(attack *a, encoder_ws *ws, const encoder *victim, const dataset *d, int first,
                int n, attack_result *r);

#endif
