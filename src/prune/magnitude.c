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

/* the bits of the k-th lowest |w|, by radix selection: its upper 16 bits first, then its lower
 * ones; *k becomes how many of its equals come before it */
static uint32_t limit_of(const float *const *w, const int64_t *n, int linears, int64_t *k) {
    int64_t count[HALF];
    memset(count, 0, sizeof count);
    for (int l = 0; l < linears; l++)
        for (int64_t i = 0; i < n[l]; i++)
            count[rank_of(w[l][i]) >> 16]++;
    uint32_t high = bin_of(count, k);
    memset(count, 0, sizeof count);
    for (int l = 0; l < linears; l++)
        for (int64_t i = 0; i < n[l]; i++)
            if (rank_of(w[l][i]) >> 16 == high)
                count[rank_of(w[l][i]) & 0xffffu]++;
    return high << 16 | bin_of(count, k);
}

void magnitude_shares(const float *const *w, const int64_t *n, int linears, int64_t k,
                      int64_t *removed) {
    int64_t all = 0, ties = k;
    for (int l = 0; l < linears; l++)
        all += n[l];
    uint32_t limit = k > 0 && k < all ? limit_of(w, n, linears, &ties) : 0;
    for (int l = 0; l < linears; l++) {
        removed[l] = k >= all ? n[l] : 0;
        for (int64_t i = 0; i < n[l] && k > 0 && k < all; i++) {
            uint32_t r = rank_of(w[l][i]);
            removed[l] += r < limit || (r == limit && ties-- > 0);
        }
    }
}
