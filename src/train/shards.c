#include "train/shards.h"

void shards_cut(const examples *x, const int32_t *rows, int B, int n, shard_cut *out) {
    int64_t total = 0, before = 0;
    int s = 0;
    out->n = n < B ? n : B;
    for (int i = 0; i < B; i++)
        total += x->offset[rows[i] + 1] - x->offset[rows[i]];
    /* shard s begins where the tokens before it reach s / n of all, or where every later shard
     * needs one of the sequences that are left */
    for (int i = 0; i < B && s < out->n; i++) {
        if (before * out->n >= total * s || B - i == out->n - s)
            out->first[s++] = i;
        before += x->offset[rows[i] + 1] - x->offset[rows[i]];
    }
    out->first[out->n] = B;
}

int shards_begin(int n, int size, int rank) {
    return (int)((int64_t)n * rank / size);
}

int shards_divide(shard_node a) {
    int left = 1;
    while (2 * left < a.end - a.begin)
        left *= 2;
    return a.begin + left;
}

static int collect(int lo, int hi, int begin, int end, shard_node *out) {
    if (hi <= begin || end <= lo)
        return 0;
    if (begin <= lo && hi <= end) {
        *out = (shard_node){lo, hi};
        return 1;
    }
    int mid = shards_divide((shard_node){lo, hi}), n = collect(lo, mid, begin, end, out);
    return n + collect(mid, hi, begin, end, out + n);
}

int shards_nodes(int n, int begin, int end, shard_node *out) {
    return begin < end ? collect(0, n, begin, end, out) : 0;
}

int shards_siblings(int n, shard_node a, shard_node b) {
    if (a.end != b.begin)
        return 0;
    int lo = 0, hi = n;
    while (lo < a.begin || b.end < hi) { /* down to the smallest node that holds both */
        int mid = shards_divide((shard_node){lo, hi});
        if (b.end <= mid)
            hi = mid;
        else if (mid <= a.begin)
            lo = mid;
        else
            return 0;
    }
    return shards_divide((shard_node){lo, hi}) == a.end;
}
