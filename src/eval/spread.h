/* spread.h: mean and standard deviation of a few repetitions. Not collective. */
#ifndef ESPALIER_EVAL_SPREAD_H
#define ESPALIER_EVAL_SPREAD_H

typedef struct spread {
    int n;       /* values that are numbers */
    double mean; /* NaN for n = 0 */
    double sd;   /* of the sample, n - 1 in the denominator; NaN for n < 2 */
    double low, high;
} spread;

/* Of x (n), in which NaN stands for what a repetition does not have. */
spread spread_of(const double *x, int n);

#endif
