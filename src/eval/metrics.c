#include "eval/metrics.h"

#include <math.h>

double ratio(int64_t k, int64_t n) {
    return n > 0 ? (double)k / (double)n : (double)NAN;
}

double metrics_acc(const attack_counts *c) {
    return ratio(c->correct, c->n);
}

double metrics_aua(const attack_counts *c) {
    return ratio(c->failed, c->n);
}

double metrics_asr(const attack_counts *c) {
    return ratio(c->success, c->success + c->failed);
}

static double mean(double sum, int64_t n) {
    return n > 0 ? sum / (double)n : (double)NAN;
}

double metrics_similarity(const attack_counts *c) {
    return mean(c->similarity, c->tested);
}

static convention ours(const attack_counts *c, int64_t attacked) {
    const double asr = metrics_asr(c);
    return (convention){.name = "espalier",
                        .acc = metrics_acc(c),
                        .aua = metrics_aua(c),
                        .asr = {asr, asr},
                        .queries = ratio(c->queries, attacked),
                        .changed = ratio(c->changed, c->words)};
}

convention metrics_convention(const attack_counts *c, convention_of which) {
    const int64_t attacked = c->success + c->failed + c->errored;
    const double none = (double)NAN;
    convention v = ours(c, attacked);
    if (which == CONVENTION_ESPALIER)
        return v;
    v.changed = mean(c->shares, c->success);
    switch (which) {
    case CONVENTION_TEXTATTACK:
        v.name = "TextAttack";
        v.acc = ratio(attacked, c->n);
        if (c->success + c->failed == 0)
            v.asr = (interval){0.0, 0.0};
        break;
    case CONVENTION_TEXTFOOLER:
        v.name = "TextFooler";
        v.aua = ratio(c->correct - c->success, c->n);
        v.asr = (interval){none, none};
        break;
    default:
        v.name = "OpenAttack";
        v.acc = v.aua = v.queries = none;
        v.asr = (interval){ratio(c->success, c->n), ratio(c->n - c->failed, c->n)};
        break;
    }
    return v;
}

interval wilson(int64_t k, int64_t n) {
    if (n <= 0)
        return (interval){0.0, 1.0};
    const double z = 1.959963984540054; /* quantile 0.975 of the normal distribution */
    const double share = (double)k / (double)n, zz = z * z / (double)n;
    const double centre = share + zz / 2.0;
    const double half = z * sqrt(share * (1.0 - share) / (double)n + zz / (4.0 * (double)n));
    /* the ends are exact where no example or every example counts */
    return (interval){
        .low = k == 0 ? 0.0 : (centre - half) / (1.0 + zz),
        .high = k == n ? 1.0 : (centre + half) / (1.0 + zz),
    };
}

double mcnemar(int64_t b, int64_t c) {
    const int64_t n = b + c, k = b < c ? b : c;
    if (b == c)
        return 1.0;
    /* twice the lower tail of Binomial(n, 1/2): its largest term by logarithms, the others from it
     */
    int sign;
    const double log_term = lgamma_r((double)n + 1.0, &sign) - lgamma_r((double)k + 1.0, &sign) -
                            lgamma_r((double)(n - k) + 1.0, &sign) - (double)n * log(2.0);
    double factor = 1.0, sum = 0.0;
    for (int64_t i = k; i >= 0 && factor > 0.0; i--) {
        sum += factor;
        factor *= (double)i / (double)(n - i + 1);
    }
    return fmin(1.0, 2.0 * exp(log_term) * sum);
}
