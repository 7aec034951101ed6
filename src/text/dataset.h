/* dataset.h: labelled texts, checked where they enter, and their token form. */
#ifndef ESPALIER_TEXT_DATASET_H
#define ESPALIER_TEXT_DATASET_H

#include "par/par.h"
#include "tensor/dims.h"
#include "text/tokenizer.h"

typedef struct dataset {
    char name[32], split[16]; /* "sst2", "train" */
    int n, K;
    char *bytes;     /* owned: texts one after the other, each NUL-terminated */
    int64_t *offset; /* (n + 1) */
    int32_t *label;  /* (n), 0 .. K - 1; all 0 with K = 0 for unlabelled text */
    int64_t file_bytes;
    char sha256[65]; /* of the file it came from; of the bytes when generated */
    char label_name[16][32];
} dataset;

static inline const char *dataset_text(const dataset *d, int i) {
    return d->bytes + d->offset[i];
}

/* Read a split of a known data set below root: "sst2" (GLUE TSV), "imdb" (TSV), "agnews" (CSV,
 * title and description joined by a space), split "train" or "test" (sst2: "test" is GLUE's
 * dev.tsv, whose labels are public). ERR_DATA "file:line: …" on wrong columns, bad label, invalid
 * UTF-8, NUL, empty file. Caller frees with dataset_free. Not collective. */
err dataset_read(const char *name, const char *root, const char *split, dataset *out);
/* One text a line, no labels (pre-training). limit 0: all. */
err dataset_read_text(const char *path, int limit, dataset *out);
void dataset_free(dataset *d);

/* root's data set on every rank. Collective. */
err dataset_bcast(const par *p, dataset *d, int root);
/* The rows of index (n), as a data set of their own. */
err dataset_select(const dataset *d, const int32_t *index, int n, dataset *out);
/* n rows drawn without replacement, a function of (seed, purpose), in ascending row order; index
 * (n). */
err dataset_sample(const dataset *d, uint64_t seed, uint32_t purpose, int n, int32_t *index);
/* Draw heldout rows by seed as one data set and the rest as another. ERR_USAGE when there are too
 * few. */
err dataset_split(const dataset *d, uint64_t seed, int heldout, dataset *train, dataset *held);
void dataset_log(const dataset *d); /* rows, class balance, bytes, SHA-256 */

/* Token sequences [CLS] … [SEP] of a data set. */
typedef struct examples {
    int n, max_length;
    int32_t *ids;    /* (offset[n]) */
    int64_t *offset; /* (n + 1) */
    int32_t *label;  /* (n) */
    int cut;         /* how many were cut to max_length */
} examples;

err examples_make(const dataset *d, const tokenizer *w, int max_length, examples *out);
void examples_free(examples *x);

/* Packed batches. A batch is a function of (index list, position, batch size) alone: never of
 * ranks. */
typedef struct packer packer;
err packer_create(const examples *x, int max_B, packer **out);
void packer_destroy(packer **p);
/* Examples index[0 .. B-1] as a batch whose .example is the example's row; valid until the next
 * call. */
err packer_pack(packer *p, const int32_t *index, int B, batch *out);

#endif
