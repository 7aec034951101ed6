#include "prune/magnitude.h"

#include <string.h>

enum { HALF = 1 << 16 };

/* the bits of |w| order as the values do */
static uint32_t rank_of(float w) {
    uint32_t bits;
    memcpy(&bits, &w, sizeof bits);
    return bits & 0x7fffffffu;
}

/* the first of HALF bins at which the running count reaches beyond *k; *k becomes its place within
 */
static uint32_t bin_of(const int64_t *count, int64_t *k) {
    uint32_t b = 0;
    while (*k >= count[b])
        *k -= count[b++];
    return b;
}

void magnitude_prune(float *w, int64_t n, int64_t k) {
    if (k <= 0)
        return;
    if (k >= n) {
        memset(w, 0, (size_t)n * sizeof *w);
        return;
    }
    /* the k-th lowest by radix selection: its upper 16 bits first, then its lower ones */
    int64_t count[HALF];
    int64_t ties = k;
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < n; i++)
        count[rank_of(w[i]) >> 16]++;
    uint32_t high = bin_of(count, &ties);
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < n; i++)
        if (rank_of(w[i]) >> 16 == high)
            count[rank_of(w[i]) & 0xffffu]++;
    uint32_t limit = high << 16 | bin_of(count, &ties);
    for (int64_t i = 0; i < n; i++)
        if (rank_of(w[i]) < limit || (rank_of(w[i]) == limit && ties-- > 0))
            w[i] = 0.0f;
}
