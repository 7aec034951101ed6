/* lengths.h: how long the sequences of a batch are. Not collective. */
#ifndef ESPALIER_BENCH_LENGTHS_H
#define ESPALIER_BENCH_LENGTHS_H

#include "base/err.h"

enum { LENGTHS_B = 32 }; /* sequences of a batch */

typedef struct lengths {
    int batches;
    int *n; // (batches, LENGTHS_B) tokens with [CLS] and [SEP], owned
    const char *source;
} lengths;

/* Every sequence has S tokens: one batch. */
err lengths_fixed(int S, lengths *out);

/* Batches as a shuffled epoch of SST-2's training split has them: from the data below the folder
 * ESPALIER_DATA (sst2/train.tsv, vocab/bert-base-uncased.txt) when that is set, else drawn from the
 * histogram of those lengths that is kept in the source. At most 64 tokens each. ERR_DATA: the data
 * cannot be read. */
err lengths_sst2(int batches, lengths *out);

/* One batch a line, lengths with spaces between: what the peers read too. ERR_IO, ERR_DATA. */
err lengths_read(const char *path, lengths *out);
err lengths_write(const char *path, const lengths *x);

void lengths_free(lengths *x);

#endif
