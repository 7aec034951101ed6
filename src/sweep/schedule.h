/* schedule.h: how long a sweep would take on so many ranks, handed out as work/units.h does it. Not
 * collective. */
#ifndef ESPALIER_SWEEP_SCHEDULE_H
#define ESPALIER_SWEEP_SCHEDULE_H

#include "base/err.h"

#include <stdint.h>

typedef struct schedule {
    double wall; /* seconds until the last variant is done */
    double busy; /* share of the ranks' time in which they have a variant, fraction 0 to 1 */
} schedule;

/* seconds (n) of each variant on one rank, want (n) how many ranks share it (a group of g is taken
 * to be g times as fast), order (n) longest first. */
err schedule_predict(const double *seconds, const int64_t *want, const int64_t *order, int n,
                     int ranks, schedule *out);

#endif
