/* mix.h: weighted means of ingredients, streamed. Not collective.
 *
 * The files are mapped and read piece by piece, all ingredients side by side, so that an average
 * takes the memory of one block and of a few pieces, whatever the number of ingredients (and two
 * blocks while the first one is loaded). */
#ifndef ESPALIER_SOUP_MIX_H
#define ESPALIER_SOUP_MIX_H

#include "soup/ingredient.h"

/* The sum of weight[i] * s[index[i]] for i = 0 .. n - 1, heads included; weight NULL: the uniform
 * mean. Summed in float64 in the order of index, each weight rounded to float32 once. ERR_DATA: an
 * array that is not there or not of the first one's shape. Caller destroys. */
err soup_mix(const soup_ingredient *s, const int *index, const double *weight, int n,
             encoder **out);

/* dots[i] = <x, s[index[i]]>, x a block of layout c; in float64. */
err soup_dots(const soup_ingredient *s, const int *index, int n, const encoder_config *c,
              const float *x, double *dots);

#endif
