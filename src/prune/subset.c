#include "prune/subset.h"

#include "base/arena.h"
#include "tensor/lanes.h"

#include <stdlib.h>
#include <string.h>

err subset_create(int positions, subset *s) {
    *s = (subset){.positions = positions};
    CALL(mem_alloc((size_t)positions, sizeof *s->index, &s->index));
    return mem_alloc((size_t)(positions / LANES + 1), sizeof *s->there, &s->there);
}

void subset_free(subset *s) {
    free(s->index);
    free(s->there);
    *s = (subset){0};
}

void subset_tell(subset *s, int n) {
    memset(s->there, 0, (size_t)(s->positions / LANES + 1) * sizeof *s->there);
    for (int i = 0; i < n; i++)
        s->there[s->index[i] / LANES] |= (uint16_t)(1u << s->index[i] % LANES);
    s->n = n;
}

void subset_take(const subset *s, float *to, const float *from, int n) {
    const int whole = s->index[n - 1] == n - 1; /* nothing is missing before */
    if (whole) {
        memmove(to, from, (size_t)n * sizeof *to);
        return;
    }
    for (int i = 0, q = 0; q < n; i++) {
        int left = s->positions - i * LANES;
        lanes v =
            left >= LANES ? lanes_load(from + i * LANES) : lanes_load_part(from + i * LANES, left);
        q += lanes_squeeze(to + q, v, s->there[i]);
    }
}
