#include "share.h"

#include "peak.h"

#include <stdlib.h>

enum { BURSTS = 3 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double share_median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

err share_measure(share_subject subject, void *state, share_limit limit, void *limit_state,
                  double seconds, int least, share *out) {
    static double rate[SHARE_TURNS], top[SHARE_TURNS], ratio[SHARE_TURNS];
    double burst[2 * BURSTS];
    int n = 0;
    CALL(subject(state, &rate[0]));
    limit(limit_state);
    for (double end = peak_now() + seconds; n < SHARE_TURNS && (n < least || peak_now() < end);
         n++) {
        for (int i = 0; i < BURSTS; i++)
            burst[i] = limit(limit_state);
        CALL(subject(state, &rate[n]));
        for (int i = BURSTS; i < 2 * BURSTS; i++)
            burst[i] = limit(limit_state);
        top[n] = share_median(burst, 2 * BURSTS);
        ratio[n] = rate[n] / top[n];
    }
    *out = (share){share_median(rate, n), share_median(top, n), share_median(ratio, n), n};
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
