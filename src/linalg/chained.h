/* chained.h: products of float64 matrices by float32 multiply-adds in short chains.
 *
 * A sum is cut into chains of 64 terms; what a chain comes to is added up in float64. So an error
 * is that of 64 float32 additions, and errors of different chains are independent: their share of
 * the sum falls with the number of chains. That is nearly the rate of float32.
 *
 * From every row of an operand (a column of x, where x is summed over its rows) a number near its
 * mean is taken off first, in each block of up to 1,024 terms: the mean of every eighth. It is put
 * back in float64. What is rounded to float32 is the rest, to 2^-24 of itself: sums are exact but
 * for their chains' errors for rows that differ from the given ones by so little. Constants have no
 * error at all among themselves.
 *
 * Numbers are float32 activations and the like: products of a row's distances from its mean that
 * are beyond 2^121 make its sums not finite, below 2^-126 they may count as zero.
 *
 * Not collective; one thread. */
#ifndef ESPALIER_LINALG_CHAINED_H
#define ESPALIER_LINALG_CHAINED_H

#include "base/err.h"

/* Memory for packed operands, kept from product to product: large pieces that are new each time
 * would be cleared each time. Takes what the largest product wanted, about 4 KiB for each column of
 * x (row of w). */
typedef struct chained_room chained_room;

err chained_room_create(chained_room **out); /* the caller destroys */
void chained_room_destroy(chained_room **r); /* NULL is allowed */

/* 1 if this takes less time than float64 for so many terms and results: it needs the instruction.
 */
int chained_pays(int terms, int rows, int cols);

/* The same as dense_gram, dense_cross and dense_linear, for all shapes; the same bits for the same
 * rows, however they lie in memory. A number that is not finite makes all sums of its row NaN.
 * ERR_FAILED: no memory. */
err chained_gram(chained_room *r, double *c, const double *x, int T, int d);
err chained_cross(chained_room *r, double *c, const double *y, int ldy, const double *x, int ldx,
                  int T, int m, int d);
/* both, xx of x (T, d) and yx of y and x: the same bits, and x is packed once */
err chained_both(chained_room *r, double *xx, double *yx, const double *y, int ldy, const double *x,
                 int T, int m, int d);
err chained_linear(chained_room *r, double *y, const double *x, int ldx, const double *w, int T,
                   int m, int d);

#endif
