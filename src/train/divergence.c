#include "train/divergence.h"

#include <math.h>

enum { WINDOW = 16, STRIKES = 8 };

divergence divergence_watch(int outcomes) {
    return (divergence){.limit = 3.0 * log(outcomes) + 1.0};
}

int divergence_seen(divergence *d, double loss, double norm) {
    if (!isfinite(loss) || !isfinite(norm))
        return 1;
    d->history = (d->history << 1 | (loss > d->limit)) & ((1u << WINDOW) - 1);
    int high = 0;
    for (uint32_t h = d->history; h != 0; h >>= 1)
        high += (int)(h & 1);
    return high >= STRIKES;
}

int divergence_heldout(const divergence *d, double loss) {
    return !(loss <= d->limit);
}
