#include "share.h"

#include "peak.h"

#include <stdlib.h>

/* bursts of the limit on either side of a turn: for an eighth of its time, within bounds */
enum { FEWEST = 3, MOST = 400 };
static const double PART = 0.125;

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double share_median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* the limit over some seconds: the mean time of the bursts, in which interruptions count as they
 * do for the subject */
static double limit_for(share_limit limit, void *state, double seconds) {
    double inverse = 0.0, start = peak_now();
    int n = 0;
    while (n < FEWEST || (n < MOST && peak_now() - start < seconds)) {
        inverse += 1.0 / limit(state);
        n++;
    }
    return n / inverse;
}

err share_measure(share_subject subject, void *state, share_limit limit, void *limit_state,
                  double seconds, int least, share *out) {
    static double rate[SHARE_TURNS], top[SHARE_TURNS], ratio[SHARE_TURNS];
    int n = 0;
    double start = peak_now();
    CALL(subject(state, &rate[0]));
    double took = peak_now() - start;
    limit(limit_state);
    for (double end = peak_now() + seconds; n < SHARE_TURNS && (n < least || peak_now() < end);
         n++) {
        double before = limit_for(limit, limit_state, PART * took);
        start = peak_now();
        CALL(subject(state, &rate[n]));
        took = peak_now() - start;
        double after = limit_for(limit, limit_state, PART * took);
        top[n] = 2.0 / (1.0 / before + 1.0 / after);
        ratio[n] = rate[n] / top[n];
    }
    *out = (share){share_median(rate, n), share_median(top, n), share_median(ratio, n), 0.0, n};
    out->best = rate[n - 1] / top[n - 1]; /* sorted now */
    return OK;
}

double share_fp32(void *state) {
    (void)state;
    return peak_fp32();
}

double share_fp64(void *state) {
    (void)state;
    return peak_fp64();
}

double share_bf16(void *state) {
    (void)state;
    double tiles = peak_amx(), vectors = peak_bf16();
    return tiles > vectors ? tiles : vectors;
}

double share_memory(void *state) {
    return peak_memory_rate(state);
}
