/* finished.h: the checkpoint of a model that is being pruned: the blocks that are finished, and
 * their rows, in one safetensors file that is replaced as a whole after every block. */
#ifndef ESPALIER_PRUNE_FINISHED_H
#define ESPALIER_PRUNE_FINISHED_H

#include "prune/prune.h"

/* What the file belongs to: 64 hex digits over the dense model, calibration sentences, method,
 * sparsity and options. Not collective. */
err finished_key(const prune_job *j, char key[65]);

/* Write blocks 0 .. blocks - 1 of m and the first n rows. Written by one rank. Collective. */
err finished_write(const prune_job *j, const char *key, const encoder *m, int blocks,
                   const prune_layer *rows, int n);

/* Read them back into m and rows on every rank; *blocks = *n = 0 when there is no file. ERR_DATA:
 * damaged, or made from another model, other sentences or other options. Collective. */
err finished_read(const prune_job *j, const char *key, encoder *m, int *blocks, prune_layer *rows,
                  int *n);

#endif
