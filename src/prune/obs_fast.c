#include "prune/obs_fast.h"

#include "base/arena.h"
#include "prune/foresight.h"
#include "prune/obs_vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1, SOON = 6 /* removals that are foreseen, for each column of a group */ };

/* of a diagonal element's start: below it float32 rounding, 2^-24 of the start for every vector,
 * may be above 1e-4 of what is left */
static const double LEAST = 0x1p-10;

/* the lowest score of all that may be removed, INFINITY: there is none; where it stands */
typedef struct lowest {
    double score;
    int at;
} lowest;

/* One row on its way. Its weights stand at positions, in their order; removed ones stay among them,
 * infinite, until they are an eighth. Vectors of an epoch lie in panels of PANEL positions; when it
 * ends they join the others, and all columns are brought up to date. */
struct obs_fast {
    int d, ld;
    int epoch;        /* removals of an epoch, at most */
    int stride;       /* vectors from panel to panel: one more, or all would share a cache set */
    int slots;        /* columns that are kept */
    int n, dead;      /* positions; removed ones among them */
    int t, joined;    /* vectors of this epoch; those of them that are in u */
    obs_vectors u;    /* of all epochs */
    float *now;       // (ld / PANEL, stride, PANEL) of this epoch
    const float *g;   // (d, d) the inverse that the vectors are to be taken from
    subset origin;    /* rows and columns of g, of the positions */
    subset alive;     /* positions that are not removed */
    float *cache;     // (slots, ld) columns
    double *w, *diag; // (ld)
    double *limit;    // (d) of an index: no diagonal element may fall below it
    double *barrier;  // (ld) of a pattern, 0: may be removed; infinity: may not
    lowest next;      /* what is removed next */
    foresight soon;   /* and after that */
    int32_t *where;   // (d) index in the row
    int32_t *place;   // (d) of an index: where it stands; NONE: removed
    int32_t *slot;    // (d) NONE: no column
    int32_t *left;    // (d) removals that each group of a pattern has left
    int32_t *holder;  // (slots) index in the row, NONE: free
    int32_t *since;   // (slots) vectors of this epoch that the column has
    int32_t *list;    // (slots) positions of a product
    int32_t *first;   // (slots) vectors that its columns lack
    float **column;   // (slots) of a product
    obs_fast_counts counts;
};

static int least(int a, int b) {
    return a < b ? a : b;
}

err obs_fast_create(int d, const obs_product *product, obs_fast **out) {
    err e = OK;
    obs_fast *s = NULL;
    CALL(mem_alloc(1, sizeof *s, &s));
    if (!product)
        product = obs_product_digits() ? obs_product_digits() : obs_product_lanes();
    s->d = d;
    /* whole panels, but never a multiple of a page: the rows of a tile would share a cache set */
    s->ld = (d + PANEL - 1) / PANEL * PANEL + PANEL;
    s->epoch = product->epoch;
    s->stride = s->epoch + 1;
    s->slots = d < 1536 ? 192 : 256; /* measured by bench_prune */
    size_t n = (size_t)s->ld, slots = (size_t)s->slots;
    TRY(obs_vectors_create(product, s->ld, d + s->epoch, s->slots, &s->u));
    TRY(mem_alloc(n * (size_t)s->stride, sizeof(float), &s->now));
    TRY(mem_alloc(n * slots, sizeof(float), &s->cache));
    TRY(mem_alloc(n, sizeof(double), &s->w));
    TRY(mem_alloc(n, sizeof(double), &s->diag));
    TRY(mem_alloc(n, sizeof(double), &s->limit));
    TRY(mem_alloc(n, sizeof(double), &s->barrier));
    TRY(mem_alloc(n, sizeof(int32_t), &s->where));
    TRY(mem_alloc(n, sizeof(int32_t), &s->place));
    TRY(mem_alloc(n, sizeof(int32_t), &s->slot));
    TRY(mem_alloc(n, sizeof(int32_t), &s->left));
    TRY(subset_create(s->ld, &s->alive));
    TRY(subset_create(d, &s->origin));
    TRY(foresight_create(s->ld, &s->soon));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->holder));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->since));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->list));
    TRY(mem_alloc(slots, sizeof(int32_t), &s->first));
    TRY(mem_alloc(slots, sizeof *s->column, &s->column));
done:
    if (e != OK)
        obs_fast_destroy(&s);
    *out = s;
    return e;
}

void obs_fast_destroy(obs_fast **s) {
    if (!*s)
        return;
    obs_vectors_free(&(*s)->u);
    free((*s)->now);
    free((*s)->cache);
    free((*s)->w);
    free((*s)->diag);
    free((*s)->limit);
    free((*s)->barrier);
    free((*s)->where);
    free((*s)->place);
    free((*s)->slot);
    free((*s)->left);
    subset_free(&(*s)->alive);
    subset_free(&(*s)->origin);
    foresight_free(&(*s)->soon);
    free((*s)->holder);
    free((*s)->since);
    free((*s)->list);
    free((*s)->first);
    free((*s)->column);
    free(*s);
    *s = NULL;
}

obs_fast_counts obs_fast_count(const obs_fast *s) {
    return s->counts;
}

/* this epoch's vector t at position i */
static float *now_at(const obs_fast *s, int t, int i) {
    return s->now + ((size_t)(i / PANEL) * (size_t)s->stride + (size_t)t) * PANEL + i % PANEL;
}

static float *column_at(const obs_fast *s, int slot) {
    return s->cache + (size_t)slot * (size_t)s->ld;
}

static void row_load(obs_fast *s, const double *w, const float *inverse, pattern p) {
    size_t d = (size_t)s->d;
    for (size_t i = 0; i < (size_t)s->ld; i++) {
        s->w[i] = i < d ? w[i] : INFINITY;
        s->diag[i] = i < d ? (double)inverse[i * d + i] : 1.0;
        s->barrier[i] = 0.0;
    }
    for (int i = 0; i < s->d; i++) {
        s->where[i] = s->place[i] = s->origin.index[i] = (int32_t)i;
        s->slot[i] = NONE;
        s->limit[i] = s->diag[i] * LEAST;
        s->left[i] = p.of - p.keep;
    }
    subset_tell(&s->origin, s->d);
    for (int i = 0; i < s->slots; i++)
        s->holder[i] = NONE;
    s->g = inverse;
    s->n = s->d;
    s->t = s->joined = s->dead = 0;
    obs_vectors_begin(&s->u, s->diag, s->n);
    s->counts = (obs_fast_counts){0};
}

/* ---- the choice ---- */

typedef double wide __attribute__((vector_size(64)));
typedef float wide_float __attribute__((vector_size(32)));
typedef int64_t wide_int __attribute__((vector_size(64)));
enum { WIDE = 8 };

static inline wide wide_load(const double *p) {
    wide v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void wide_store(double *p, wide v) {
    memcpy(p, &v, sizeof v);
}

/* 1 / x to rounding; x positive, neither tiny nor huge */
static inline wide wide_inverse(wide x) {
#if defined(__AVX512F__)
    wide y = (wide)_mm512_rcp14_pd((__m512d)x); /* 14 bits, then 28, then all */
    y += y * (1.0 - x * y);
    return y + y * (1.0 - x * y);
#else
    return 1.0 / x;
#endif
}

/* the lowest score of each lane, the first of equals; NaN never */
typedef struct wide_lowest {
    wide score;
    wide_int at;
} wide_lowest;

static inline wide_lowest wide_lowest_none(void) {
    return (wide_lowest){(wide){0} + INFINITY, (wide_int){0}};
}

static inline void wide_lowest_see(wide_lowest *best, wide score, int i) {
    const wide_int at = i + (wide_int){0, 1, 2, 3, 4, 5, 6, 7};
#if defined(__AVX512F__)
    __mmask8 less = _mm512_cmp_pd_mask((__m512d)score, (__m512d)best->score, _CMP_LT_OQ);
    best->score = (wide)_mm512_mask_mov_pd((__m512d)best->score, less, (__m512d)score);
    best->at = (wide_int)_mm512_mask_mov_epi64((__m512i)best->at, less, (__m512i)at);
#else
    wide_int less = score < best->score;
    best->score = (wide)(((wide_int)score & less) | ((wide_int)best->score & ~less));
    best->at = (at & less) | (best->at & ~less);
#endif
}

static lowest wide_lowest_of(const wide_lowest *best) {
    lowest l = {INFINITY, 0};
    for (int k = 0; k < WIDE; k++)
        if (best->score[k] < l.score || (best->score[k] == l.score && best->at[k] < l.at))
            l = (lowest){best->score[k], (int)best->at[k]};
    return l;
}

/* scores of WIDE positions from i on */
static inline wide score_at(const obs_fast *s, int i, wide w, wide diag, int grouped) {
    wide score = w * w * wide_inverse(diag);
    return grouped ? score + wide_load(s->barrier + i) : score;
}

/* the lowest score, as they are now */
static void look(obs_fast *s) {
    wide_lowest best = wide_lowest_none();
    for (int i = 0; i < s->n; i += WIDE)
        wide_lowest_see(&best, score_at(s, i, wide_load(s->w + i), wide_load(s->diag + i), 1), i);
    s->next = wide_lowest_of(&best);
}

/* ---- one removal ---- */

/* Compensate by a panel of the newest vector, from position j on, and bring diagonal and the lowest
 * score up to date; step = w_p / sqrt([H^-1]_pp). */
static inline void apply_panel(obs_fast *s, int j, const float *v, double step, int grouped,
                               wide_lowest *best) {
    for (int i = j; i < j + PANEL; i += WIDE, v += WIDE) {
        wide_float half;
        memcpy(&half, v, sizeof half);
        wide x = __builtin_convertvector(half, wide);
        wide w = wide_load(s->w + i) - step * x, diag = wide_load(s->diag + i) - x * x;
        wide_store(s->w + i, w);
        wide_store(s->diag + i, diag);
        wide_lowest_see(best, score_at(s, i, w, diag, grouped), i);
    }
}

/* A column as it is now, times root: the epoch's next vector, and what it does. from: the column,
 * which has the epoch's vectors before `first`; factor (t): the epoch's vectors at its weight. Two
 * panels at a time hide the latency. */
LANES_INLINE void take_vector(obs_fast *s, const float *from, int first, const float *factor,
                              double root, double step, const int grouped) {
    const lanes by = lanes_set((float)root);
    const size_t stride = (size_t)s->stride * PANEL;
    wide_lowest best = wide_lowest_none();
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
        apply_panel(s, j * PANEL, to, step, grouped, &best);
        if (two)
            apply_panel(s, (j + 1) * PANEL, next, step, grouped, &best);
    }
    s->next = wide_lowest_of(&best);
}

static void remove_at(obs_fast *s, int p, int grouped) {
    float factor[OBS_EPOCH_MOST];
    int slot = s->slot[p];
    double root = 1.0 / sqrt(s->diag[p]), step = s->w[p] * root;
    for (int k = 0; k < s->t; k++)
        factor[k] = *now_at(s, k, p);
    s->w[p] = s->diag[p] = INFINITY; /* not the lowest now */
    if (grouped)
        take_vector(s, column_at(s, slot), s->since[slot], factor, root, step, 1);
    else
        take_vector(s, column_at(s, slot), s->since[slot], factor, root, step, 0);
    s->diag[p] = 1.0; /* nor later: what little the vectors have there leaves it positive */
    s->place[s->where[p]] = NONE;
    s->holder[slot] = NONE;
    s->slot[p] = NONE;
    s->dead++;
    s->t++;
}

/* the column of position p, if it has one */
static void give_up(obs_fast *s, int p) {
    if (s->slot[p] != NONE)
        s->holder[s->slot[p]] = NONE;
    s->slot[p] = NONE;
}

/* after the last removal of a pattern's group its other weights may not go */
static void use_group(obs_fast *s, int index, pattern p) {
    int group = index / p.of;
    if (--s->left[group] > 0)
        return;
    for (int i = group * p.of; i < (group + 1) * p.of; i++)
        if (s->place[i] != NONE) {
            s->barrier[s->place[i]] = INFINITY;
            give_up(s, s->place[i]);
        }
    if (s->next.score < INFINITY && s->where[s->next.at] / p.of == group)
        look(s);
}

/* ---- the end of an epoch ---- */

/* the columns that are held: how many; their positions in s->list */
static int held_columns(obs_fast *s) {
    int n = 0;
    for (int i = 0; i < s->slots; i++)
        if (s->holder[i] != NONE) {
            s->list[n] = s->place[s->holder[i]];
            s->first[n] = s->u.made - s->t + s->since[i];
            s->column[n++] = column_at(s, i);
        }
    return n;
}

/* positions without those of removed weights */
static void compact(obs_fast *s) {
    int n = 0, columns = held_columns(s);
    for (int i = 0; i < s->n; i++)
        if (s->place[s->where[i]] == i)
            s->alive.index[n++] = i;
    subset_tell(&s->alive, n);
    for (int i = 0; i < n; i++) {
        int from = s->alive.index[i];
        s->w[i] = s->w[from];
        s->diag[i] = s->diag[from];
        s->barrier[i] = s->barrier[from];
        s->slot[i] = s->slot[from];
        s->origin.index[i] = s->origin.index[from];
        s->where[i] = s->where[from];
        s->place[s->where[i]] = i;
    }
    subset_tell(&s->origin, n);
    for (int k = 0; k < columns; k++)
        subset_take(&s->alive, s->column[k], s->column[k], n);
    obs_vectors_compact(&s->u, &s->alive);
    s->n = n;
    s->dead = 0;
    for (int i = n; i % PANEL != 0; i++) { /* what follows in the last panel is never chosen */
        s->w[i] = INFINITY;
        s->diag[i] = 1.0;
        s->barrier[i] = 0.0;
        for (int k = 0; k < columns; k++)
            s->column[k][i] = 0.0f;
    }
}

/* the epoch's vectors join the others */
static void join_vectors(obs_fast *s) {
    obs_vectors_append(&s->u, s->now, s->n, s->stride, s->joined, s->t);
    s->joined = s->t;
}

/* all columns up to date */
static void close_epoch(obs_fast *s) {
    join_vectors(s);
    int n = held_columns(s);
    obs_vectors_subtract(&s->u, s->column, s->list, s->first, n, s->n);
    memset(s->since, 0, (size_t)s->slots * sizeof *s->since);
    s->counts.operations += 2.0 * n * s->n * s->t;
    s->t = s->joined = 0;
}

static double score_of(const obs_fast *s, int index) {
    int p = s->place[index];
    return s->w[p] * s->w[p] / s->diag[p];
}

/* at least `wanted` free slots: the held weights that stand highest give theirs up */
static void free_slots(obs_fast *s, int wanted) {
    int held = 0;
    for (int i = 0; i < s->slots; i++)
        held += s->holder[i] != NONE;
    for (; held > s->slots - wanted; held--) {
        int worst = NONE;
        for (int i = 0; i < s->slots; i++)
            if (s->holder[i] != NONE &&
                (worst == NONE || score_of(s, s->holder[i]) > score_of(s, s->holder[worst])))
                worst = i;
        give_up(s, s->place[s->holder[worst]]);
    }
}

/* the column of position p in the inverse that the vectors are taken from */
static const float *inverse_at(const obs_fast *s, int p) {
    return s->g + (size_t)s->origin.index[p] * (size_t)s->d;
}

/* Columns of the listed positions as the inverse has them. It is far away in memory: the next one
 * comes while this one is copied. */
static void copy_columns(obs_fast *s, int n) {
    for (int k = 0; k < n; k++) {
        const float *next = inverse_at(s, s->list[k + 1 < n ? k + 1 : k]);
        for (int i = 0; i < s->d; i += LANES)
            __builtin_prefetch(next + i, 0, 2);
        subset_take(&s->origin, s->column[k], inverse_at(s, s->list[k]), s->n);
        for (int i = s->n; i % PANEL != 0; i++)
            s->column[k][i] = 0.0f;
    }
}

/* s->list: the chosen and others that will want a column among the next `left` removals, a group of
 * a product at most; returns how many */
static int choose_fresh(obs_fast *s, int chosen, int left) {
    int n = 0, rows = s->u.product->rows, steps = least(left, SOON * rows);
    foresight_begin(&s->soon, s->w, s->diag, s->barrier, s->n);
    for (int p = chosen; p != NONE && n < rows && steps > 0; steps--) {
        int slot = s->slot[p];
        if (slot == NONE)
            s->list[n++] = p;
        p = foresight_remove(&s->soon, p, slot == NONE ? NULL : column_at(s, slot));
    }
    return n;
}

/* columns, as they are now, for the chosen weight and others that are removed soon; `left` removals
 * are to come */
static void form_columns(obs_fast *s, int chosen, int left) {
    int n = choose_fresh(s, chosen, left);
    free_slots(s, n);
    for (int i = 0, k = 0; i < n; i++) {
        while (s->holder[k] != NONE)
            k++;
        s->holder[k] = s->where[s->list[i]];
        s->slot[s->list[i]] = k;
        s->since[k] = s->t;
        s->first[i] = 0;
        s->column[i] = column_at(s, k);
    }
    copy_columns(s, n);
    join_vectors(s);
    obs_vectors_subtract(&s->u, s->column, s->list, s->first, n, s->n);
    s->counts.operations += 2.0 * n * s->n * s->u.made;
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
    look(s);
    *exact = 1;
    for (int done = 0;; done++) {
        for (; shot < plan->n && plan->at[shot] == done; shot++)
            snapshot(s, out + (size_t)shot * d, kept + (size_t)shot * d);
        if (done == k)
            return;
        double lowest_score = s->next.score;
        int p = s->next.at, index = s->where[p];
        if (!(lowest_score < INFINITY) || !(s->diag[p] > s->limit[index])) {
            *exact = 0;
            return;
        }
        if (s->t == s->epoch) {
            close_epoch(s);
            if (s->dead > s->n / 8)
                compact(s);
            p = s->place[index];
        }
        if (s->slot[p] == NONE)
            form_columns(s, p, k - done);
        if (order)
            order[done] = index;
        if (loss)
            loss[done] = lowest_score;
        remove_at(s, p, plan->pattern.of > 0);
        if (plan->pattern.of > 0)
            use_group(s, index, plan->pattern);
    }
}
