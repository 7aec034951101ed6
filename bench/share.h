/* share.h: a rate and the machine's limit, measured in turns.
 *
 * The clock of a core and the load of its neighbours change by tens of percent within seconds, so a
 * limit that was measured a minute ago says little. Each turn takes bursts of the limit, the
 * subject, and bursts of the limit again; what is reported is the median over the turns, of the
 * ratio too. Not collective. */
#ifndef ESPALIER_BENCH_SHARE_H
#define ESPALIER_BENCH_SHARE_H

#include "base/err.h"

/* One turn of the subject: work (operations or bytes) a second. */
typedef err (*share_subject)(void *state, double *rate);
/* One burst of the limit, in the same unit. */
typedef double (*share_limit)(void *state);

typedef struct share {
    double rate, limit, ratio; /* medians */
    double best; /* highest rate over highest limit: what a quiet machine might give */
    int turns;
} share;

/* Turns until `seconds` of CPU time are used up, at least `least` (at most SHARE_TURNS). One turn
 * before them warms up and does not count. */
enum { SHARE_TURNS = 1001 };
err share_measure(share_subject subject, void *state, share_limit limit, void *limit_state,
                  double seconds, int least, share *out);

/* The limits of peak.h as share_limit; state is ignored, for memory a peak_memory. */
double share_fp32(void *state);
double share_fp64(void *state);
double share_bf16(void *state); /* the faster of vdpbf16ps and tiles */
double share_memory(void *state);

/* median of x (n), which is sorted in place */
double share_median(double *x, int n);

#endif
