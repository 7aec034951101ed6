/* shards.h: a batch in parts whose gradients are computed apart, and the tree they are added in.
 *
 * The parts and the tree are functions of the batch and of the number of shards, never of ranks: a
 * sum of n shards is that of the first p and that of the others, p the largest power of two below
 * n, and so on down. Ranks compute neighbouring shards, so that most of the additions happen where
 * the shards are. Nothing here is collective. */
#ifndef ESPALIER_TRAIN_SHARDS_H
#define ESPALIER_TRAIN_SHARDS_H

#include "text/dataset.h"

enum { SHARDS_MAX = 64 };

typedef struct shard_cut {
    int n;
    int first[SHARDS_MAX + 1]; /* shard s is sequences first[s] .. first[s + 1] - 1, never none */
} shard_cut;

/* Cut the sequences rows[0 .. B - 1] of x into n shards (B if that is fewer) of about equal tokens.
 */
void shards_cut(const examples *x, const int32_t *rows, int B, int n, shard_cut *out);

/* Of n shards rank r of `size` computes shards_begin(.., r) .. shards_begin(.., r + 1) - 1: none
 * for some where there are more ranks than shards. */
int shards_begin(int n, int size, int rank);

/* The sum of shards begin .. end - 1, where that is a node of the tree. */
typedef struct shard_node {
    int begin, end;
} shard_node;

/* The fewest nodes of the tree of n shards that together are shards begin .. end - 1, ascending,
 * into out (SHARDS_MAX entries); returns how many. */
int shards_nodes(int n, int begin, int end, shard_node *out);
/* Where a node of more than one shard is divided into its two children. */
int shards_divide(shard_node a);
/* 1 if a and b are the two children of one node of the tree of n shards. */
int shards_siblings(int n, shard_node a, shard_node b);

#endif
