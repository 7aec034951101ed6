#include "prune/selection.h"

#include <stdio.h>
#include <string.h>

enum { DIGIT = 11, BINS = 1 << DIGIT, SHORT = 64, PATTERN_MOST = 4096, BLOCK_MOST = 256 };

err pattern_parse(const char *text, pattern *out) {
    int end = 0;
    *out = (pattern){0};
    if (strcmp(text, "none") == 0)
        return OK;
    int read = sscanf(text, "%4d:%4d%nx%3d%n", &out->keep, &out->of, &end, &out->block, &end);
    out->block = read == 2 ? 1 : out->block;
    CHECK(read >= 2 && text[end] == '\0' && out->keep >= 1 && out->keep < out->of &&
              out->of <= PATTERN_MOST && out->block >= 1 && out->block <= BLOCK_MOST,
          ERR_USAGE,
          "pattern \"%s\": expected none, N:M with 1 <= N < M <= %d, such as 2:4, or N:MxC with C "
          "up to %d, such as 2:4x8",
          text, PATTERN_MOST, BLOCK_MOST);
    return OK;
}

err pattern_check(pattern p, int d) {
    CHECK(p.of == 0 || d % pattern_span(p) == 0, ERR_USAGE,
          "pattern %d:%d%s does not divide %d inputs: choose an M that divides every layer's width",
          p.keep, p.of, pattern_block(p) > 1 ? " of blocks" : "", d);
    return OK;
}

int pattern_removals(pattern p, int d) {
    return p.of > 0 ? d / p.of * (p.of - p.keep) : 0;
}

/* bits of a score that is not negative order as the values do, NaN last */
static uint64_t rank_of(double score) {
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    return bits & INT64_MAX;
}

/* a few scores: each one's place by counting */
static void select_few(const double *score, int n, int k, char *kept) {
    for (int i = 0; i < n; i++) {
        int before = 0;
        uint64_t mine = rank_of(score[i]);
        for (int j = 0; j < n; j++) {
            uint64_t other = rank_of(score[j]);
            before += other < mine || (other == mine && j < i);
        }
        kept[i] = before >= k;
    }
}

/* the k-th lowest, 0-based, digit by digit; *k becomes its place among its equals */
static uint64_t select_limit(const double *score, int64_t n, int64_t *k) {
    uint64_t limit = 0;
    for (int shift = 66 - DIGIT, alone = 0; shift >= 0; shift -= DIGIT) {
        int64_t count[BINS] = {0};
        uint64_t known = shift + DIGIT >= 64 ? 0 : ~UINT64_C(0) << (shift + DIGIT), bin = 0;
        for (int64_t i = 0; i < n; i++) {
            uint64_t r = rank_of(score[i]);
            if ((r & known) != limit)
                continue;
            if (alone) /* the only one left: there are no equals */
                return r;
            count[r >> shift & (BINS - 1)]++;
        }
        while (*k >= count[bin])
            *k -= count[bin++];
        limit |= bin << shift;
        alone = count[bin] == 1;
    }
    return limit;
}

void select_lowest(const double *score, int64_t n, int64_t k, char *kept) {
    if (k <= 0 || k >= n) {
        memset(kept, k <= 0, (size_t)n);
        return;
    }
    if (n <= SHORT) {
        select_few(score, (int)n, (int)k, kept);
        return;
    }
    int64_t ties = k;
    uint64_t limit = select_limit(score, n, &ties);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = rank_of(score[i]);
        kept[i] = !(r < limit || (r == limit && ties-- > 0));
    }
}

/* one group of p.of blocks, each by the sum of its scores */
static void select_blocks(const double *score, pattern p, char *kept) {
    double sum[PATTERN_MOST] = {0.0};
    char whole[PATTERN_MOST] = {0};
    for (int b = 0; b < p.of; b++) {
        for (int k = 0; k < p.block; k++)
            sum[b] += score[b * p.block + k];
    }
    select_lowest(sum, p.of, p.of - p.keep, whole);
    for (int b = 0; b < p.of; b++)
        memset(kept + b * p.block, whole[b], (size_t)p.block);
}

void select_pattern(const double *score, int d, pattern p, char *kept) {
    for (int i = 0; i < d; i += pattern_span(p))
        if (pattern_block(p) > 1)
            select_blocks(score + i, p, kept + i);
        else
            select_lowest(score + i, p.of, p.of - p.keep, kept + i);
}
