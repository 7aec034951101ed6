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
