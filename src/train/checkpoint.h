/* checkpoint.h: the state of a training run in one safetensors file, to go on from exactly.
 *
 * Two generations are kept, PATH and PATH.1: a new one is written whole beside them, the newest
 * becomes PATH.1, the new one PATH, so that a kill at any moment leaves one that is whole. A newest
 * one that is truncated or damaged (every array carries a checksum) is removed with a warning and
 * the older one taken up. How often a run was taken up is kept in the file: a run that was taken up
 * CHECKPOINT_RESTARTS times at the same step without reaching the next checkpoint fails. */
#ifndef ESPALIER_TRAIN_CHECKPOINT_H
#define ESPALIER_TRAIN_CHECKPOINT_H

#include "train/reduce.h"

enum { CHECKPOINT_RESTARTS = 3, CHECKPOINT_FIELDS = 16 };
enum { CHECKPOINT_KEEPER = 0 }; /* the rank that reads and writes */

typedef enum checkpoint_kind {
    CHECKPOINT_BLOCK,  /* float32 (n of the model), the same on every rank */
    CHECKPOINT_RANGE,  /* float32, of which each rank has its range (reduce.h) */
    CHECKPOINT_COUNTS, /* int64, the same on every rank */
    CHECKPOINT_REALS   /* float64, the same on every rank */
} checkpoint_kind;

/* One array of the state, in the caller's memory. */
typedef struct checkpoint_field {
    const char *name;
    checkpoint_kind kind;
    void *data;
    size_t n; /* elements; of a block or range: the model's */
} checkpoint_field;

/* Filled by the caller up to `fields`; zeros after that. */
typedef struct checkpoint_file {
    const reducer *r;
    const char *path; /* NULL: nothing is ever written or read */
    int64_t run; /* which run it belongs to: a hash of everything that goes into it; the keeper's */
    checkpoint_field field[CHECKPOINT_FIELDS];
    int fields;
    int64_t step;           /* done: counted by the caller */
    int64_t saved;          /* the step of the newest file */
    int64_t restarts;       /* times that the run was taken up */
    int64_t stuck, strikes; /* the step it was last taken up at, and how often in a row */
    int fallen_back;        /* the newest file was damaged */
} checkpoint_file;

/* Take up what is there: fills the fields and the step; *resumed: 1, or 0 if there is no file.
 * ERR_DATA: of another run, or no generation is whole; ERR_FAILED: restarted too often without
 * progress. Collective over r's ranks. */
err checkpoint_resume(checkpoint_file *k, int *resumed);

/* Publish the state, unless the newest file has this step. On several ranks the keeper needs 4
 * bytes a parameter and range field meanwhile. Collective over r's ranks. */
err checkpoint_save(checkpoint_file *k);

/* Remove both generations, if there are any. ERR_IO. Not collective. */
err checkpoint_remove(const char *path);

#endif
