/* metrics.h: accuracy under attack with its denominators (METHOD: Acc = correct / n, Aua = failed /
 * n, Asr = success / (success + failed)). Counts are kept, percentages are printed. Not collective.
 */
#ifndef ESPALIER_EVAL_METRICS_H
#define ESPALIER_EVAL_METRICS_H

#include <stdint.h>

typedef struct attack_counts {
    int64_t n, correct, success, failed, errored;
    int64_t queries;        /* over all non-skipped examples */
    int64_t changed, words; /* words changed and words in all, over successes */
} attack_counts;

typedef struct interval {
    double low, high;
} interval;

double ratio(int64_t k, int64_t n); /* NaN for n = 0 */
double metrics_acc(const attack_counts *c);
double metrics_aua(const attack_counts *c);
double metrics_asr(const attack_counts *c);

/* Wilson's score interval for k of n at 95 % (E. B. Wilson, JASA 22, 1927); [0, 1] for n = 0. */
interval wilson(int64_t k, int64_t n);
/* McNemar's exact two-sided p for b and c discordant pairs. */
double mcnemar(int64_t b, int64_t c);

#endif
