#include "train/schedule.h"

#include <math.h>
#include <string.h>

err schedule_parse(const char *word, schedule_kind *out) {
    static const char *const words[] = {"linear", "cosine", "constant"};
    for (int k = 0; k <= (int)SCHEDULE_CONSTANT; k++)
        if (strcmp(word, words[k]) == 0) {
            *out = (schedule_kind)k;
            return OK;
        }
    RAISE(ERR_USAGE, "schedule \"%s\": expected linear, cosine or constant", word);
}

double schedule_rate(schedule_kind k, int64_t step, int64_t steps, double warmup, double peak) {
    const double pi = 0x1.921fb54442d18p1;
    double at = (double)step, rise = floor(warmup * (double)steps);
    if (at < rise)
        return peak * at / rise;
    if (k == SCHEDULE_CONSTANT)
        return peak;
    double left = (double)steps - at, fall = (double)steps - rise;
    if (fall <= 0.0 || left <= 0.0)
        return 0.0;
    return k == SCHEDULE_LINEAR ? peak * left / fall
                                : peak * 0.5 * (1.0 + cos(pi * (1.0 - left / fall)));
}
