/* embedding.h: word + position + token type of packed sequences. */
#ifndef ESPALIER_TENSOR_EMBEDDING_H
#define ESPALIER_TENSOR_EMBEDDING_H

#include "tensor/dims.h"

/* x (T, H) = word[id] + pos[place in the sequence] + type[type]; word (V, H), pos (P, H),
 * type (Y, H), NULL: no token types. Ids, types and lengths were checked by the caller. */
void embedding_forward(float *x, const batch *b, const float *word, const float *pos,
                       const float *type, int H);

/* dword, dpos, dtype (unless NULL) += the rows of dx (T, H), in the order of the tokens */
void embedding_backward(float *dword, float *dpos, float *dtype, const float *dx, const batch *b,
                        int H);

/* rows: y (n, H) = x[row[i]] and x[row[i]] += dy */
void rows_gather(float *y, const float *x, const int32_t *row, int n, int H);
void rows_scatter(float *dx, const float *dy, const int32_t *row, int n, int H);

#endif
