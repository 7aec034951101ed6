#include "prune/obs_product.h"

#include <string.h>

/* panel (step, STEP, PANEL), group (step, STEP, LANES): a vector's numbers side by side, so that a
 * position's numbers are PANEL apart from the first vector to the last */
enum { STEP = 16, AHEAD = 16 /* vectors, of factors that are fetched */ };

_Static_assert(2 * STEP <= OBS_EPOCH_MOST, "an epoch is two steps");

static float *number_of(const obs_store *v, int position, int t) {
    return (float *)(void *)(v->panels + (size_t)(position / PANEL) * v->distance) +
           (size_t)t * PANEL + position % PANEL;
}

static void append(const obs_store *v, const float *now, int n, int stride, int made, int from,
                   int t) {
    for (int j = 0; j < n; j += PANEL)
        memcpy(number_of(v, j, made), now + (size_t)(j / PANEL * stride + from) * PANEL,
               (size_t)(t - from) * PANEL * sizeof *now);
}

/* the first n of the bits that are set */
static uint32_t first_bits(uint32_t bits, int n) {
    uint32_t rest = bits;
    for (int i = 0; i < n && rest; i++)
        rest &= rest - 1;
    return bits & ~rest;
}

/* lanes of a row of a panel that go side by side to another row */
typedef struct move {
    uint32_t there; /* a bit each */
    int n;
    const float *from;
    float *to;
} move;

enum { MOVES = 2 * PANEL / LANES /* of a panel at most: its lanes go to two */ };

/* the positions of panel j that are alive go to position *at and on */
static int plan_moves(const obs_store *v, const subset *alive, int j, int *at, move *out) {
    int n = 0;
    for (int i = j * PANEL; i < (j + 1) * PANEL && i < alive->positions; i += LANES) {
        uint32_t rest = alive->there[i / LANES];
        while (rest) {
            move *m = &out[n++];
            m->there = first_bits(rest, PANEL - *at % PANEL);
            m->n = __builtin_popcount(m->there);
            m->from = number_of(v, i, 0);
            m->to = number_of(v, *at, 0);
            *at += m->n;
            rest &= ~m->there;
        }
    }
    return n;
}

static void make_moves(const move *m, int n, int made) {
    for (size_t t = 0; t < (size_t)made * PANEL; t += PANEL)
        for (int i = 0; i < n; i++)
            lanes_store_part(m[i].to + t, lanes_squeezed(lanes_load(m[i].from + t), m[i].there),
                             m[i].n);
}

static void compact(const obs_store *v, const subset *alive, int made) {
    move moves[MOVES];
    int at = 0;
    for (int j = 0; at < alive->n; j++) {
        int n = plan_moves(v, alive, j, &at, moves);
        if (at < (j + 1) * PANEL) /* else nothing is missing yet */
            make_moves(moves, n, made);
    }
    if (at % PANEL != 0)
        for (int t = 0; t < made; t++)
            memset(number_of(v, at, t), 0, (size_t)(PANEL - at % PANEL) * sizeof(float));
}

/* whole: no vector counts as 0 */
LANES_INLINE void pack_factors(float *to, const float *const *from, const int32_t *first, int n,
                               int t, int k, const int whole) {
    for (int q = 0; q < k; q++, to += LANES) {
        for (int i = 0; i < n; i++) {
            __builtin_prefetch(from[i] + (q + AHEAD) * PANEL);
            to[i] = whole || t + q >= first[i] ? from[i][q * PANEL] : 0.0f;
        }
        for (int i = n; i < LANES; i++)
            to[i] = 0.0f;
    }
}

static void pack_group(const obs_store *v, void *group, const int32_t *position,
                       const int32_t *first, int n, int t, int k) {
    const float *from[LANES];
    int whole = 1;
    for (int i = 0; i < n; i++) {
        from[i] = number_of(v, position[i], t);
        whole &= first[i] <= t;
    }
    if (whole && n == TILE_ROWS)
        pack_factors(group, from, first, TILE_ROWS, t, k, 1);
    else
        pack_factors(group, from, first, n, t, k, 0);
}

/* rows is a constant wherever this is inlined */
LANES_INLINE void tile_subtract(const int rows, float *const *c, size_t at, const float *a,
                                const float *b, int n, int k, const char *ahead, size_t bytes) {
    const size_t share = bytes / (size_t)k + 64; /* for each vector */
    const char *end = ahead + bytes;
    lanes sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = lanes_set(0.0f);
    for (int q = 0; q < k; q++, a += LANES, b += PANEL) {
        for (const char *to = ahead + share; ahead < to && ahead < end; ahead += 64)
            __builtin_prefetch(ahead, 0, 2);
        if (q < n) {
            __builtin_prefetch(c[q] + at, 1);
            __builtin_prefetch(c[q] + at + LANES, 1);
        }
        tile_term(rows, sum, a, b);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        if (i >= n)
            break;
        float *y = c[i] + at;
        lanes_store(y, lanes_load(y) - sum[i][0]);
        lanes_store(y + LANES, lanes_load(y + LANES) - sum[i][1]);
    }
}

static void nothing(void) {
}

static void subtract(float *const *c, size_t at, const float *head, const void *group,
                     const float *unit, const void *panel, int n, int k, const void *ahead,
                     size_t bytes) {
    (void)head;
    (void)unit;
    if (n > TILE_ROWS / 2)
        tile_subtract(TILE_ROWS, c, at, group, panel, n, k, ahead, bytes);
    else
        tile_subtract(TILE_ROWS / 2, c, at, group, panel, n, k, ahead, bytes);
}

static const obs_product product = {.rows = TILE_ROWS,
                                    .step = STEP,
                                    .epoch = 2 * STEP,
                                    .deep = 256,
                                    .panel = STEP * PANEL * sizeof(float),
                                    .group = STEP * LANES * sizeof(float),
                                    .append = append,
                                    .compact = compact,
                                    .pack_group = pack_group,
                                    .begin = nothing,
                                    .end = nothing,
                                    .subtract = subtract};

const obs_product *obs_product_lanes(void) {
    return &product;
}
