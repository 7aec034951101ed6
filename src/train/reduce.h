/* reduce.h: the sum of shards' gradients over the ranks of a group, the same bits on any number.
 *
 * Every rank computes its shards' gradients in blocks of the model's layout, which are added in the
 * tree of shards.h in float32. Then each rank owns a range of the elements: it receives all other
 * ranks' pieces of it, adds them in the same tree, and updates its range of the parameters with its
 * range of the optimiser's state; at last all ranks are sent all ranges. A rank sends 4 bytes a
 * parameter for each node it holds (one, where the shards divide evenly) and 4 for its range; no
 * message is above 1 MiB, but for ranges (1 GiB).
 *
 * Floats a rank holds, of n parameters, g ranks, S shards: up to log2(S / g) + 2 blocks of n (on
 * one rank log2 S + 1, so 3 for 4 shards), 2 n / g of the optimiser, and where g > 1 n / g for the
 * sum and S buffers of 1 MiB. On one rank nothing is sent or copied. */
#ifndef ESPALIER_TRAIN_REDUCE_H
#define ESPALIER_TRAIN_REDUCE_H

#include "model/encoder.h"
#include "par/par.h"
#include "train/shards.h"

typedef struct reducer reducer;

/* sparse: gradients of word embeddings are 0 but for rows that are named by reducer_touch, which
 * saves time where the vocabulary is large; 0 with a masked-language head. Caller destroys. Not
 * collective; ERR_FAILED: memory. */
err reducer_create(const par *p, const encoder_config *c, int shards, int sparse, reducer **out);
void reducer_destroy(reducer **r);

const par *reducer_par(const reducer *r);
/* Elements *first .. *first + *n - 1 belong to this rank; of rank q: reducer_range_of. */
void reducer_range(const reducer *r, size_t *first, size_t *n);
void reducer_range_of(const reducer *r, int rank, size_t *first, size_t *n);

/* A step of `shards` shards, at most as many as it was created for. This rank is to compute those
 * from reducer_begin's return value to *end - 1. Not collective. */
int reducer_begin(reducer *r, int shards, int *end);
/* Zeros (n) for the gradient of this rank's next shard, which is whole when reducer_close is
 * called.
 */
float *reducer_open(reducer *r);
/* The shard's gradient touches the word embeddings of ids (T). */
void reducer_touch(reducer *r, const int32_t *ids, int T);
void reducer_close(reducer *r);

/* The sum over all shards: *sum (the range's n) is this rank's range, valid until the next step.
 * Collective. */
err reducer_sum(reducer *r, float **sum);
/* (V) 1 where a row of the word embeddings may have a gradient in that sum, the others are +0;
 * NULL: not known (sparse is 0, or the group has several ranks). */
const char *reducer_rows(const reducer *r);
/* Its Euclidean norm over all ranges, the same bits on any number of ranks. Collective. */
err reducer_norm(reducer *r, const float *sum, double *norm);
/* block (n): every rank's range to all ranks. Collective. */
err reducer_share(const reducer *r, float *block);
/* Ranges x to a whole (n) on rank 0, and back; whole is used on rank 0 alone. Collective. */
err reducer_gather(const reducer *r, const float *x, float *whole);
err reducer_scatter(const reducer *r, const float *whole, float *x);

#endif
