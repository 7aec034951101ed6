#include "prune/obs_fast.h"

#include "base/arena.h"
#include "prune/obs_tile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Vectors stand in panels of PANEL positions, (vectors, PANEL) each: what a product reads lies in a
 * row. */
enum {
    DEPTH = 256, /* vectors of a panel that stay in the first-level cache */
    EPOCH_MOST = 64,
    FOLD_TILES =
        24,     /* TILE_ROWS of the inverse each: their factors stay in the second-level cache */
    AHEAD = 48, /* vectors that a gather asks for before it needs them */
    NONE = -1
};

/* of a diagonal element's start: below it float32 rounding, 2^-24 of the start for every vector,
 * may be above 1e-4 of what is left */
static const double LEAST = 0x1p-10;

/* One row on its way. The n active weights stand first, as in obs.c; removed ones stay until their
 * epoch ends, when its vectors join the others and all columns are brought up to date. */
struct obs_fast {
    int d, ld, room;
    int epoch;        /* removals of an epoch */
    int ahead;        /* columns that are formed at a time */
    int slots;        /* columns that are kept */
    int fold;         /* vectors after which the inverse may be brought up to date */
    int n, made, t;   /* active; vectors of the epochs before; of this epoch */
    float *u;         // (ld / PANEL, room, PANEL) vectors of the epochs before
    float *now;       // (ld / PANEL, epoch, PANEL) of this epoch
    const float *g;   // the inverse that the vectors are to be taken from: shared, or own
    size_t g_ld;      /* distance of its rows */
    float *own[2];    // (ld, ld) of this row, in turn
    int32_t *origin;  // (d) row and column of g
    float *cache;     // (slots + 1, ld) columns, a spare one
    float *packed;    // (DEPTH, LANES) for each TILE_ROWS slots: factors of a product
    double *w, *diag; // (ld)
    double *barrier;  // (ld) 0: may be removed; infinity: may not
    double *score;    // (ld)
    int32_t *where;   // (d) index in the row
    int32_t *place;   // (d) of an index: where it stands; NONE: removed
    int32_t *slot;    // (d) NONE: no column
    int32_t *left;    // (d) removals that each group of a pattern has left
    char *mask;       // (d)
    int32_t *holder;  // (slots) index in the row, NONE: free
    int32_t *since;   // (slots) vectors of this epoch that the column has
    int32_t *list;    // (slots) of a product
    float **column;   // (slots + TILE_ROWS) of a product
    obs_fast_counts counts;
};

err obs_fast_create(int d, obs_fast **out) {
    err e = OK;
    obs_fast *s = NULL;
    CALL(mem_alloc(1, sizeof *s, &s));
    s->d = d;
    /* whole panels, but never a multiple of a page: the rows of a tile would share a cache set */
    s->ld = (d + PANEL - 1) / PANEL * PANEL + PANEL;
    s->room = (d + 15) / 16 * 16 + 9; /* panels that are no multiple of a page apart */
    /* measured by bench_prune: a wide row pays for long products, a narrow one for few vectors */
    s->epoch = d < 1536 ? EPOCH_MOST / 2 : EPOCH_MOST;
    s->ahead = TILE_ROWS * (d < 1536 ? 4 : 6);
    s->slots = 2 * s->ahead;
    s->fold = d < 1536 ? 256 : 512;
    size_t n = (size_t)s->ld, slots = (size_t)s->slots, tiles = slots / TILE_ROWS + FOLD_TILES;
    TRY(mem_alloc(n * (size_t)s->room, sizeof(float), &s->u));
    TRY(mem_alloc(n * (size_t)s->epoch, sizeof(float), &s->now));
    TRY(mem_alloc(n * (slots + 1), sizeof(float), &s->cache));
    TRY(mem_alloc(tiles * DEPTH * LANES, sizeof(float), &s->packed));
    TRY(mem_alloc(n, sizeof(double), &s->w));
    TRY(mem_alloc(n, sizeof(double), &s->diag));
    TRY(mem_alloc(n, sizeof(double), &s->barrier));
    TRY(mem_alloc(n, sizeof(double), &s->score));
    TRY(mem_alloc(n, sizeof(int32_t), &s->where));
    TRY(mem_alloc(n, sizeof(int32_t), &s->place));
    TRY(mem_alloc(n, sizeof(int32_t), &s->slot));
    TRY(mem_alloc(n, sizeof(int32_t), &s->left));
    TRY(mem_alloc(n, sizeof(int32_t), &s->origin));
    for (int i = 0; i < 2; i++)
        TRY(mem_alloc(n * n, sizeof(float), &s->own[i]));
    TRY(mem_alloc(n, 1, &s->mask));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->holder));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->since));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->list));
    TRY(mem_alloc(slots + TILE_ROWS, sizeof *s->column, &s->column));
done:
    if (e != OK)
        obs_fast_destroy(&s);
    *out = s;
    return e;
}

void obs_fast_destroy(obs_fast **s) {
    if (!*s)
        return;
    free((*s)->u);
    free((*s)->now);
    free((*s)->cache);
    free((*s)->packed);
    free((*s)->w);
    free((*s)->diag);
    free((*s)->barrier);
    free((*s)->score);
    free((*s)->where);
    free((*s)->place);
    free((*s)->slot);
    free((*s)->left);
    free((*s)->origin);
    free((*s)->own[0]);
    free((*s)->own[1]);
    free((*s)->mask);
    free((*s)->holder);
    free((*s)->since);
    free((*s)->list);
    free((*s)->column);
    free(*s);
    *s = NULL;
}

obs_fast_counts obs_fast_count(const obs_fast *s) {
    return s->counts;
}

/* vector t at position i, of the epochs before and of this one */
static float *old_at(const obs_fast *s, int t, int i) {
    return s->u + ((size_t)(i / PANEL) * (size_t)s->room + (size_t)t) * PANEL + i % PANEL;
}

static float *now_at(const obs_fast *s, int t, int i) {
    return s->now + ((size_t)(i / PANEL) * (size_t)s->epoch + (size_t)t) * PANEL + i % PANEL;
}

static void row_load(obs_fast *s, const double *w, const float *inverse, pattern p) {
    size_t d = (size_t)s->d;
    for (size_t i = 0; i < (size_t)s->ld; i++) {
        s->w[i] = i < d ? w[i] : 0.0;
        s->diag[i] = i < d ? (double)inverse[i * d + i] : 1.0;
        s->barrier[i] = i < d ? 0.0 : INFINITY;
        s->score[i] = s->w[i] * s->w[i] / s->diag[i] + s->barrier[i];
    }
    for (int i = 0; i < s->d; i++) {
        s->where[i] = s->place[i] = s->origin[i] = (int32_t)i;
        s->slot[i] = NONE;
        s->left[i] = p.of - p.keep;
    }
    for (int i = 0; i < s->slots; i++)
        s->holder[i] = NONE;
    s->g = inverse;
    s->g_ld = d;
    s->n = s->d;
    s->t = s->made = 0;
    s->counts = (obs_fast_counts){0};
}

/* ---- the choice ---- */

typedef double wide __attribute__((vector_size(64)));
typedef int64_t wide_int __attribute__((vector_size(64)));
enum { WIDE = 8 };

/* the lowest score; NaN never */
static double lowest(const double *score, int n) {
    wide best[2] = {(wide){0} + INFINITY, (wide){0} + INFINITY};
    int i = 0;
    for (; i + 2 * WIDE <= n; i += 2 * WIDE)
        for (int h = 0; h < 2; h++) {
            wide x;
            memcpy(&x, score + i + h * WIDE, sizeof x);
            wide_int less = x < best[h];
            best[h] = (wide)(((wide_int)x & less) | ((wide_int)best[h] & ~less));
        }
    double least = INFINITY;
    for (int k = 0; k < WIDE; k++) {
        least = best[0][k] < least ? best[0][k] : least;
        least = best[1][k] < least ? best[1][k] : least;
    }
    for (; i < n; i++)
        least = score[i] < least ? score[i] : least;
    return least;
}

/* position of the lowest score; ties to the lowest index in the row; NONE: there is none */
static int choose(const obs_fast *s) {
    double least = lowest(s->score, s->n);
    int32_t index = INT32_MAX;
    if (!(least < INFINITY))
        return NONE;
    for (int i = 0; i < s->n; i += PANEL) { /* behind the last is what was removed */
        int found = 0;
        for (int k = i; k < i + PANEL; k++)
            found |= s->score[k] == least;
        for (int k = i; found && k < i + PANEL && k < s->n; k++)
            if (s->score[k] == least && s->where[k] < index)
                index = s->where[k];
    }
    return s->place[index];
}

/* ---- one removal ---- */

/* Column p as it is now, times root: the epoch's next vector. from: the column, which has the
 * epoch's vectors before `first`; factor (t): the epoch's vectors at p. Two panels at a time hide
 * the latency. */
static void next_vector(obs_fast *s, const float *from, int first, const float *factor,
                        float root) {
    const lanes by = lanes_set(root);
    const size_t stride = (size_t)s->epoch * PANEL;
    int t = s->t, panels = (s->n + PANEL - 1) / PANEL;
    for (int j = 0; j < panels; j += 2) {
        int two = j + 1 < panels;
        const float *a = s->now + (size_t)j * stride + first * PANEL, *b = a + (two ? stride : 0);
        lanes x[4] = {lanes_load(from + j * PANEL), lanes_load(from + j * PANEL + LANES),
                      lanes_load(from + (j + two) * PANEL),
                      lanes_load(from + (j + two) * PANEL + LANES)};
        for (int k = first; k < t; k++, a += PANEL, b += PANEL) {
            lanes f = lanes_set(-factor[k]);
            x[0] = lanes_fma(f, lanes_load(a), x[0]);
            x[1] = lanes_fma(f, lanes_load(a + LANES), x[1]);
            x[2] = lanes_fma(f, lanes_load(b), x[2]);
            x[3] = lanes_fma(f, lanes_load(b + LANES), x[3]);
        }
        float *to = s->now + (size_t)j * stride + t * PANEL, *next = to + (two ? stride : 0);
        lanes_store(next, by * x[2]);
        lanes_store(next + LANES, by * x[3]);
        lanes_store(to, by * x[0]);
        lanes_store(to + LANES, by * x[1]);
    }
}

/* compensate, and bring diagonal and scores up to date; step = w_p / sqrt([H^-1]_pp) */
static void apply_vector(obs_fast *s, double step) {
    for (int j = 0; j < s->n; j += PANEL) {
        const float *restrict v = now_at(s, s->t, j);
        double *restrict w = s->w + j, *restrict diag = s->diag + j;
        double *restrict score = s->score + j;
        const double *restrict barrier = s->barrier + j;
        for (int i = 0; i < PANEL; i++) {
            double x = (double)v[i];
            w[i] -= step * x;
            diag[i] -= x * x;
            score[i] = w[i] * w[i] / diag[i] + barrier[i];
        }
    }
}

static void remove_at(obs_fast *s, int p) {
    float factor[EPOCH_MOST];
    int slot = s->slot[p];
    double root = 1.0 / sqrt(s->diag[p]);
    for (int k = 0; k < s->t; k++)
        factor[k] = *now_at(s, k, p);
    next_vector(s, s->cache + (size_t)slot * (size_t)s->ld, s->since[slot], factor, (float)root);
    s->barrier[p] = INFINITY;
    apply_vector(s, s->w[p] * root);
    s->diag[p] = 1.0; /* its score stays a number */
    s->score[p] = INFINITY;
    s->place[s->where[p]] = NONE;
    s->holder[slot] = NONE;
    s->slot[p] = NONE;
    s->t++;
}

/* after the last removal of a pattern's group its other weights may not go */
static void use_group(obs_fast *s, int index, pattern p) {
    int group = index / p.of;
    if (--s->left[group] > 0)
        return;
    for (int i = group * p.of; i < (group + 1) * p.of; i++)
        if (s->place[i] != NONE)
            s->barrier[s->place[i]] = s->score[s->place[i]] = INFINITY;
}

/* ---- the end of an epoch ---- */

/* the last active weight takes the place of p */
static void fill_hole(obs_fast *s, int p, int last) {
    float *to = old_at(s, 0, p);
    const float *from = old_at(s, 0, last);
    for (int t = 0; t < s->made; t++, to += PANEL, from += PANEL) {
        __builtin_prefetch(from + AHEAD * PANEL);
        __builtin_prefetch(to + AHEAD * PANEL, 1);
        *to = *from;
    }
    for (int k = 0; k < s->slots; k++)
        if (s->holder[k] != NONE)
            s->cache[(size_t)k * (size_t)s->ld + (size_t)p] =
                s->cache[(size_t)k * (size_t)s->ld + (size_t)last];
    s->w[p] = s->w[last];
    s->diag[p] = s->diag[last];
    s->barrier[p] = s->barrier[last];
    s->score[p] = s->score[last];
    s->slot[p] = s->slot[last];
    s->origin[p] = s->origin[last];
    s->where[p] = s->where[last];
    s->place[s->where[p]] = p;
}

/* vectors that a product takes from, in panels `stride` apart */
typedef struct vectors {
    const float *at;
    size_t stride;
    int n;
} vectors;

/* Factors of the first n listed slots, TILE_ROWS of them to a group: k vectors from `first` on.
 * Those that a column has already get the factor 0. */
static void pack(obs_fast *s, const vectors *v, int n, int first, int k) {
    for (int i = 0; i < n; i++) {
        int p = s->place[s->holder[s->list[i]]], has = s->since[s->list[i]];
        float *to = s->packed + (size_t)(i / TILE_ROWS) * DEPTH * LANES + i % TILE_ROWS;
        const float *from =
            v->at + (size_t)(p / PANEL) * v->stride + (size_t)first * PANEL + (size_t)(p % PANEL);
        for (int q = 0; q < k; q++, from += PANEL, to += LANES) {
            __builtin_prefetch(from + AHEAD * PANEL);
            *to = *from;
        }
        to -= (size_t)k * LANES;
        for (int q = first; q < has && q < first + k; q++, to += LANES)
            *to = 0.0f;
    }
}

/* the columns in the first n listed slots, less these vectors */
static void subtract(obs_fast *s, const vectors *v, int n) {
    int groups = (n + TILE_ROWS - 1) / TILE_ROWS,
        short_group = n % TILE_ROWS > 0 && n % TILE_ROWS <= TILE_ROWS / 2;
    for (int i = 0; i < groups * TILE_ROWS;
         i++) /* what is left of the last group has a spare column */
        s->column[i] = s->cache + (size_t)(i < n ? s->list[i] : s->slots) * (size_t)s->ld;
    for (int t = 0; t < v->n; t += DEPTH) {
        int k = v->n - t < DEPTH ? v->n - t : DEPTH;
        pack(s, v, n, t, k);
        for (int j = 0; j * PANEL < s->n; j++)
            for (int g = 0; g < groups; g++) {
                const float *a = s->packed + (size_t)g * DEPTH * LANES;
                const float *b = v->at + (size_t)j * v->stride + (size_t)t * PANEL;
                const float *next = b + v->stride;
                if (g + 1 < groups || !short_group)
                    tile_subtract(TILE_ROWS, s->column + g * TILE_ROWS, (size_t)j * PANEL, a, b,
                                  next, k);
                else
                    tile_subtract(TILE_ROWS / 2, s->column + g * TILE_ROWS, (size_t)j * PANEL, a, b,
                                  next, k);
            }
    }
    s->counts.operations += 2.0 * n * s->n * v->n;
}

static vectors old_vectors(const obs_fast *s) {
    return (vectors){s->u, (size_t)s->room * PANEL, s->made};
}

static vectors new_vectors(const obs_fast *s) {
    return (vectors){s->now, (size_t)s->epoch * PANEL, s->t};
}

/* all columns up to date; the epoch's vectors join the others, its removed weights go */
static void close_epoch(obs_fast *s) {
    int n = 0, kept = s->n;
    vectors v = new_vectors(s);
    for (int i = 0; i < s->slots; i++)
        if (s->holder[i] != NONE)
            s->list[n++] = i;
    subtract(s, &v, n);
    memset(s->since, 0, (size_t)s->slots * sizeof *s->since);
    for (int j = 0; j < s->n; j += PANEL)
        memcpy(old_at(s, s->made, j), now_at(s, 0, j), (size_t)s->t * PANEL * sizeof(float));
    s->made += s->t;
    s->t = 0;
    for (int i = s->n - 1; i >= 0; i--) /* downwards: what fills a hole is never itself removed */
        if (s->place[s->where[i]] == NONE) {
            kept--;
            if (i != kept)
                fill_hole(s, i, kept);
        }
    s->n = kept;
}

/* upper triangle from the lower one, in tiles that stay in the cache: a (n, n), rows ld apart */
static void mirror(float *a, size_t ld, int n) {
    enum { TILE = 32 };
    for (int r = 0; r < n; r += TILE)
        for (int c = 0; c <= r; c += TILE)
            for (int i = r; i < n && i < r + TILE; i++)
                for (int k = c; k < i && k < c + TILE; k++)
                    a[(size_t)k * ld + (size_t)i] = a[(size_t)i * ld + (size_t)k];
}

/* Rows first .. first + n - 1 of the new inverse, up to the diagonal: less vectors t .. t + k - 1
 */
static void fold_rows(obs_fast *s, float *to, int first, int n, int t, int k) {
    vectors v = old_vectors(s);
    float *row[TILE_ROWS];
    for (int i = 0; i < n; i++) {
        int p = first + i;
        float *a = s->packed + (size_t)(i / TILE_ROWS) * DEPTH * LANES + i % TILE_ROWS;
        const float *from = v.at + (size_t)(p / PANEL) * v.stride + (size_t)t * PANEL + p % PANEL;
        for (int q = 0; q < k; q++, a += LANES, from += PANEL)
            *a = *from;
    }
    for (int j = 0; j * PANEL < first + n; j++)
        for (int i = 0; i < n; i += TILE_ROWS) {
            if (first + i + TILE_ROWS <= j * PANEL)
                continue;
            for (int r = 0; r < TILE_ROWS; r++)
                row[r] = to + (size_t)(first + i + r) * (size_t)s->ld;
            const float *b = v.at + (size_t)j * v.stride + (size_t)t * PANEL;
            tile_subtract(TILE_ROWS, row, (size_t)j * PANEL,
                          s->packed + (size_t)(i / TILE_ROWS) * DEPTH * LANES, b, b + v.stride, k);
        }
}

/* the inverse of the active weights up to date and in their order; there are no vectors then */
static void fold_vectors(obs_fast *s) {
    float *to = s->own[s->g == s->own[0]];
    size_t ld = (size_t)s->ld;
    for (int i = 0; i < s->n; i++) {
        const float *from = s->g + (size_t)s->origin[i] * s->g_ld;
        for (int j = 0; j <= i; j++)
            to[(size_t)i * ld + (size_t)j] = from[s->origin[j]];
    }
    for (int i = 0; i < s->n; i += FOLD_TILES * TILE_ROWS) {
        int n = s->n - i < FOLD_TILES * TILE_ROWS ? s->n - i : FOLD_TILES * TILE_ROWS;
        for (int t = 0; t < s->made; t += DEPTH)
            fold_rows(s, to, i, n, t, s->made - t < DEPTH ? s->made - t : DEPTH);
    }
    mirror(to, ld, s->n);
    for (int i = 0; i < s->n; i++)
        s->origin[i] = i;
    s->counts.operations += (double)s->made * s->n * s->n;
    s->g = to;
    s->g_ld = ld;
    s->made = 0;
}

/* at least `wanted` free slots: the held weights that stand highest give theirs up */
static void free_slots(obs_fast *s, int wanted) {
    int held = 0;
    for (int i = 0; i < s->slots; i++)
        held += s->holder[i] != NONE;
    for (; held > s->slots - wanted; held--) {
        int worst = NONE;
        for (int i = 0; i < s->slots; i++)
            if (s->holder[i] != NONE && (worst == NONE || s->score[s->place[s->holder[i]]] >
                                                              s->score[s->place[s->holder[worst]]]))
                worst = i;
        s->slot[s->place[s->holder[worst]]] = NONE;
        s->holder[worst] = NONE;
    }
}

/* columns, as they are now, for the weights that stand lowest and have none */
static void form_columns(obs_fast *s, int chosen, int wanted) {
    int n = 0, k = 0, fresh = 0;
    select_lowest(s->score, s->n, wanted < s->n ? wanted : s->n, s->mask);
    s->mask[chosen] = 0; /* among equals it may not be one of the first */
    for (int p = 0; p < s->n; p++)
        fresh += !s->mask[p] && s->slot[p] == NONE && s->score[p] < INFINITY;
    free_slots(s, fresh);
    vectors before = old_vectors(s), now = new_vectors(s);
    for (int p = 0; p < s->n; p++) {
        if (s->mask[p] || s->slot[p] != NONE || !(s->score[p] < INFINITY))
            continue;
        while (s->holder[k] != NONE)
            k++;
        s->list[n++] = k;
        const float *from = s->g + (size_t)s->origin[p] * s->g_ld;
        float *to = s->cache + (size_t)k * (size_t)s->ld;
        s->holder[k] = s->where[p];
        s->slot[p] = k;
        s->since[k] = 0;
        for (int i = 0; i < s->n; i++)
            to[i] = from[s->origin[i]];
    }
    subtract(s, &before, n);
    subtract(s, &now, n);
    for (int i = 0; i < n; i++)
        s->since[s->list[i]] = s->t;
    s->counts.products++;
    s->counts.columns += n;
}

/* the weights as they are now: out, kept (d) */
static void snapshot(const obs_fast *s, double *out, char *kept) {
    for (int i = 0; i < s->d; i++) {
        kept[i] = s->place[i] != NONE;
        out[i] = kept[i] ? s->w[s->place[i]] : 0.0;
    }
}

void obs_fast_run(obs_fast *s, const obs_plan *plan, const double *w, const float *inverse,
                  double *out, char *kept, int32_t *order, double *loss, int *exact) {
    size_t d = (size_t)s->d;
    int k = plan->n > 0 ? plan->at[plan->n - 1] : 0, shot = 0;
    row_load(s, w, inverse, plan->pattern);
    *exact = 1;
    for (int done = 0;; done++) {
        for (; shot < plan->n && plan->at[shot] == done; shot++)
            snapshot(s, out + (size_t)shot * d, kept + (size_t)shot * d);
        if (done == k)
            return;
        int p = choose(s);
        if (p == NONE || !(s->diag[p] > (double)inverse[(size_t)s->where[p] * (d + 1)] * LEAST)) {
            *exact = 0;
            return;
        }
        int index = s->where[p], more = (k - done) + (k - done) / 8 + 1;
        if (s->t == s->epoch) {
            close_epoch(s);
            if (s->made >= s->fold && k - done > s->n / 2)
                fold_vectors(s); /* pays where many columns are still to come */
        }
        p = s->place[index];
        if (s->slot[p] == NONE)
            form_columns(s, p, more < s->ahead ? more : s->ahead);
        if (order)
            order[done] = index;
        if (loss)
            loss[done] = s->score[p];
        remove_at(s, p);
        if (plan->pattern.of > 0)
            use_group(s, index, plan->pattern);
    }
}
