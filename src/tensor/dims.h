/* dims.h: one letter a dimension, declared once, never reused.
 *
 *   B  sequences of a batch          T  packed tokens of a batch (no padding)
 *   L  layers (blocks)               H  hidden width
 *   A  attention heads               D  width of a head, H / A
 *   F  feed-forward width            V  vocabulary
 *   P  positions                     Y  token types
 *   K  classes (0: no classifier)    M  masked positions of a batch
 *
 * A shape is written behind every pointer: float *qkv;  // (T, 3H)
 * Matrices are row-major; a linear layer's weight is (out, in), y = x W^T + b. */
#ifndef ESPALIER_TENSOR_DIMS_H
#define ESPALIER_TENSOR_DIMS_H

#include <stdint.h>

/* A packed batch: sequences one after the other, no padding. A view: the maker owns the arrays. */
typedef struct batch {
    int B, T;
    const int32_t *ids;     /* (T) token ids */
    const int32_t *types;   /* (T) token types, NULL: all 0 */
    const int32_t *offsets; /* (B + 1) sequence b is offsets[b] .. offsets[b + 1] - 1 */
    const int32_t *labels;  /* (B), NULL where there are none */
    const int32_t *example; /* (B) row in the data set, for dropout; NULL: 0 .. B - 1 */
    /* training, 0 and NULL without: */
    float smoothing;    /* share of each label that is spread evenly over all classes */
    const float *delta; // (T, H) added to the word embeddings
} batch;

#endif
