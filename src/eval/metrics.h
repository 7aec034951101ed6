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
    double shares;          /* sum over successes of an example's share of words changed */
    double similarity; /* sum over the `tested` successes of their lowest accepted similarity */
    int64_t tested;    /* successes in which a similarity was tested */
} attack_counts;

typedef struct interval {
    double low, high;
} interval;

double ratio(int64_t k, int64_t n); /* NaN for n = 0 */
double metrics_acc(const attack_counts *c);
double metrics_aua(const attack_counts *c);
double metrics_asr(const attack_counts *c);

/* The same counts as other programs print them. Their definitions, read in their sources:
 *
 * TextAttack 0.3 (textattack/metrics/attack_metrics): skipped = wrong before the attack; Acc = (n -
 *   skipped) / n, Aua = failed / n, Asr = success / (success + failed), 0 where both are 0;
 *   queries: mean over what was not skipped; words changed: the mean over the successes of each
 *   example's share, where ours is one share of all their words.
 * TextFooler's own code (attack_classification.py): Acc = 1 - wrong before / n, "adv accuracy" =
 *   1 - wrong after / n, where every example that was wrong before is wrong after; what was not
 *   carried out counts as right. Queries: mean over those right before; words changed: as
 *   TextAttack, over white-space tokens. The code divides both by a fixed 1000, whatever was
 *   attacked: n here. It prints no Asr.
 * OpenAttack 2 (attack_eval): every example is attacked, the wrong ones too, away from the model's
 *   own first answer; Asr = success / n; queries: mean over all n. Ours are not attacked when they
 *   are wrong: Asr is known within [success / n, (success + what was not attacked) / n]. It prints
 *   no Acc and no Aua.
 *
 * NaN: the convention has no such figure, or our counts do not give it. */
typedef enum convention_of {
    CONVENTION_ESPALIER,
    CONVENTION_TEXTATTACK,
    CONVENTION_TEXTFOOLER,
    CONVENTION_OPENATTACK,
    CONVENTIONS
} convention_of;
typedef struct convention {
    const char *name;
    double acc, aua;
    interval asr; /* low = high but for OpenAttack */
    double queries, changed;
} convention;
convention metrics_convention(const attack_counts *c, convention_of which);
/* Mean over the successes of their lowest accepted similarity; NaN: none was tested. */
double metrics_similarity(const attack_counts *c);

/* Wilson's score interval for k of n at 95 % (E. B. Wilson, JASA 22, 1927); [0, 1] for n = 0. */
interval wilson(int64_t k, int64_t n);
/* McNemar's exact two-sided p for b and c discordant pairs. */
double mcnemar(int64_t b, int64_t c);

#endif
