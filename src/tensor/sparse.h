/* sparse.h: y = x W^T + b where most of W is zero: one multiply-add for each weight that is kept.
 *
 * Tokens are taken in blocks of SPARSE_VECTORS vectors, x transposed, so that one weight is
 * multiplied with whole vectors of tokens: no gather, and the same code for any mask (N:M masks
 * too). Columns come in panels of SPARSE_COLUMNS, whose part of the block lies in the first-level
 * cache. A kept weight takes 6 bytes. Any number of tokens; sums run over columns in order, the
 * same bits for a token in every batch. Nothing here is collective. */
#ifndef ESPALIER_TENSOR_SPARSE_H
#define ESPALIER_TENSOR_SPARSE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { SPARSE_VECTORS = 4, SPARSE_COLUMNS = 128 };

typedef struct sparse_weight {
    int out, in, panels;
    int64_t kept;
    int64_t *start;  // (panels * out + 1) first weight of each row of each panel
    uint8_t *column; // (kept) within the panel
    float *value;    // (kept)
} sparse_weight;

/* 1: w (n) has so many zeros that without them it takes less time than the dense product, float32,
 * as it is made on this machine (bench_sparse): half of them, four fifths beside a matrix unit. */
int sparse_is_faster(const float *w, size_t n);

/* From w (out, in), where removed weights are 0. The caller destroys. ERR_FAILED: memory. */
err sparse_create(const float *w, int out, int in, sparse_weight **out_);
void sparse_destroy(sparse_weight **s); /* NULL is allowed */

/* Floats of scratch for sparse_linear. */
size_t sparse_scratch(const sparse_weight *s);
/* y (T, out; rows ld apart) = x (T, in) W^T + b, b (out), NULL: none; scratch: sparse_scratch, not
 * shared between threads. */
void sparse_linear(float *y, int ld, const float *x, const sparse_weight *s, const float *b, int T,
                   float *scratch);

#endif
