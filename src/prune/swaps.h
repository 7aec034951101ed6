/* swaps.h: better masks than greedy ones: exchange a kept weight of a row for a removed one as long
 * as the row's loss (w - w0)^T H (w - w0) falls, the best exchange first. The number of weights in
 * every row, and in every group of a pattern, stays.
 *
 * Not collective. */
#ifndef ESPALIER_PRUNE_SWAPS_H
#define ESPALIER_PRUNE_SWAPS_H

#include "prune/selection.h"

typedef struct swaps swaps; /* scratch for rows of one width */

err swaps_create(int d, swaps **out); /* about 16 d^2 bytes; the caller destroys */
void swaps_destroy(swaps **s);        /* NULL is allowed */

typedef struct swaps_report {
    int made;
    double before, after; /* the row's loss */
    int optimal;          /* 1: no exchange of two weights would lower it further */
} swaps_report;

/* Kept weights stay as they are in start (d) (SparseSwaps, arXiv 2512.10922): with e the removed
 * part of the row and c = H e, kept u for removed p changes the loss by w_u^2 H_uu + w_p^2 H_pp + 2
 * w_u c_u - 2 w_p c_p - 2 w_u w_p H_up. kept (d): in the mask, out the better one; gram (d, d) is
 * H; p: exchanges within its groups alone, {0, 0}: none; at most `budget` exchanges, each about d^2
 * operations. */
void swaps_masked(swaps *s, char *kept, const double *start, const double *gram, pattern p,
                  int budget, swaps_report *report);

/* Every exchange is judged by the loss after least squares of all kept weights. gram (d, d) is H,
 * inverse (d, d) its inverse. About 2 d^3 operations to begin with and 4 d^2 an exchange.
 * ERR_FAILED: not positive definite.
 *
 * With R removed and K kept weights the symmetric matrix T of T_KK = H_KK^-1, T_RR = -(H^-1)_RR^-1
 * and T_KR = -H_KK^-1 H_KR answers for every pair what least squares would; one weight that changes
 * sides is a sweep of T (Goodnight, The American Statistician 33, 1979). */
err swaps_refitted(swaps *s, char *kept, const double *start, const double *gram,
                   const double *inverse, pattern p, int budget, swaps_report *report);

#endif
