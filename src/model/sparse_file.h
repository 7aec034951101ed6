/* sparse_file.h: pruned weights in a safetensors file without their zeros, exact both ways.
 *
 * A weight matrix NAME (rows, cols) of which enough is zero stands there as two arrays:
 *
 *     NAME.mask    U8   (ceil(rows * cols / 8))  bit i % 8 (lowest first) of byte i / 8 is 1 where
 *                                                weight i, row by row, is kept; the rest 0
 *     NAME.values  F32  (kept)                   the kept weights in that order
 *
 * Removed is what is +0 bit by bit: a weight of -0 is kept. Everything else, and what is less than
 * a 32nd zero, stands there as in a dense file. Private to model. Not collective. */
#ifndef ESPALIER_MODEL_SPARSE_FILE_H
#define ESPALIER_MODEL_SPARSE_FILE_H

#include "model/weights.h"

#include <stddef.h>
#include <stdint.h>

/* Numbers of NAME.mask and NAME.values among w's arrays: 1, or 0: not both are there. */
int sparse_find(const weights *w, const char *name, int *mask, int *values);

/* The matrix of rows * cols = n weights from arrays of these numbers. ERR_DATA: a mask of another
 * size, or one that does not fit the values. */
err sparse_check(const weights *w, int mask, int values, int64_t n);
err sparse_copy(const weights *w, int mask, int values, float *out, int64_t n);

/* Does it pay to write x (n) without its zeros? */
int sparse_pays(const float *x, int64_t n);
/* mask ((n + 7) / 8) and values of x (n); returns how many are kept, values NULL: only count. */
int64_t sparse_split(const float *x, int64_t n, unsigned char *mask, float *values);

#endif
