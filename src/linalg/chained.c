#include "linalg/chained.h"

#include "base/arena.h"
#include "tensor/gemm_pack.h"

#include <math.h>
#include <stdlib.h>

/* Both operands are packed for a block of terms, as in gemm_pack.h: right panels (k, TILE_COLS) of
 * all rows of one of them, left panels (k, LANES) of some TILE_ROWS at a time of the other. Left
 * ones are made from right ones, which a symmetric product has already. A tile's sums of a block
 * stay in the first cache and are added to the result once. */
enum {
    CHAIN = 64,
    DEPTH = 1024,    /* terms of a block at most */
    LEFT_PANELS = 8, /* with a right one they fit the second cache: 640 KiB */
    LEFT_ROWS = LEFT_PANELS * TILE_ROWS,
    TILE = TILE_ROWS * TILE_COLS,
    SAMPLED = 8,                     /* a mean is taken of the first of so many terms each */
    SHARE = TILE_COLS / LEFT_PANELS, /* of the next right panel that a tile fetches, a term */
    LINE = 16,                       /* floats */
    AHEAD = 12,                      /* terms that are fetched before they are packed */
    AHEAD_PANEL = 16                 /* and before they are multiplied */
};

struct chained_room {
    char *memory;
    size_t bytes;
};

/* how x (rows, terms) lies in memory, and what was taken off its rows in this block */
typedef struct operand {
    const double *x;
    size_t row, term; /* distances; one of them is 1 */
    int rows;
    double *shift; // (rows rounded up) what was taken off
    double *rest;  // (rows rounded up) sum of what is left
    double *whole; // (rows rounded up) sum of what was there
} operand;

static int least(int a, int b) {
    return a < b ? a : b;
}

static int panels_of(int rows) {
    return (rows + TILE_COLS - 1) / TILE_COLS;
}

/* ---- packing ---- */

/* sums (TILE_COLS) of every SAMPLED-th of k terms of n rows, in the order of memory; how many */
static int sample(double *sums, const operand *a, const double *x, int n, int k) {
    int rows_inside = a->row == 1, of_rows = rows_inside ? 1 : n, inner = rows_inside ? n : 1;
    for (int i = 0; i < of_rows; i++)
        for (int q = 0; q < k; q += SAMPLED)
            for (int j = i; j < i + inner; j++)
                sums[j] += x[(size_t)j * a->row + (size_t)q * a->term];
    return (k + SAMPLED - 1) / SAMPLED;
}

/* shift (TILE_COLS): near the means of n rows over k terms. x at the first row's first term */
static void find_shift(double *shift, const operand *a, const double *x, int n, int k) {
    double sums[TILE_COLS] = {0};
    int of = sample(sums, a, x, n, k);
    for (int j = 0; j < TILE_COLS; j++)
        shift[j] = sums[j] / (double)of;
}

/* x less shift, as it is packed: TILE_COLS numbers, zeros behind the n-th; added to rest */
LANES_INLINE void round_terms(float *out, double *rest, const double *x, const double *shift,
                              const int n) {
    for (int j = 0; j < n; j++) {
        out[j] = (float)(x[j] - shift[j]);
        rest[j] += (double)out[j];
    }
    for (int j = n; j < TILE_COLS; j++)
        out[j] = 0.0f;
}

/* LANES terms from x on, n of them there, of LANES rows; those from the rows-th on are zeros */
LANES_INLINE void round_square(float *out, double *rest, const double *x, size_t ld,
                               const double *shift, int rows, const int n) {
    float square[LANES * LANES];
    for (int i = 0; i < LANES; i++)
        for (int q = 0; q < LANES; q++)
            square[i * LANES + q] =
                i < rows && q < n ? (float)(x[(size_t)i * ld + (size_t)q] - shift[i]) : 0.0f;
    pack_transposed(out, TILE_COLS, square, LANES, LANES, n);
    for (int q = 0; q < n; q++)
        for (int i = 0; i < LANES; i++)
            rest[i] += (double)out[q * TILE_COLS + i];
}

LANES_INLINE void pack_by_terms(float *out, double *rest, const double *x, size_t ld,
                                const double *shift, const int n, int k) {
    for (int q = 0; q < k; q++, out += TILE_COLS, x += ld) {
        const double *later = x + (q + AHEAD < k ? AHEAD * ld : 0);
        for (int j = 0; j < n; j += 8)
            __builtin_prefetch(later + j);
        round_terms(out, rest, x, shift, n);
    }
}

/* LANES rows of a panel, n of them there */
static void pack_by_rows(float *out, double *rest, const double *x, size_t ld, const double *shift,
                         int n, int k) {
    int q = 0;
    for (; n >= LANES && q + LANES <= k; q += LANES, out += LANES * TILE_COLS)
        round_square(out, rest, x + q, ld, shift, LANES, LANES);
    for (; q < k; q += LANES, out += LANES * TILE_COLS)
        round_square(out, rest, x + q, ld, shift, n, least(k - q, LANES));
}

/* the right panel of rows i on, terms p to p + k - 1 */
static void pack_panel(float *out, const operand *a, int i, int p, int k) {
    int n = least(a->rows - i, TILE_COLS);
    const double *x = a->x + (size_t)i * a->row + (size_t)p * a->term;
    double rest[TILE_COLS] = {0}, *shift = a->shift + i;
    find_shift(shift, a, x, n, k);
    if (a->term == 1)
        for (int j = 0; j < TILE_COLS; j += LANES)
            pack_by_rows(out + j, rest + j, x + (size_t)j * a->row, a->row, shift + j, n - j, k);
    else if (n == TILE_COLS)
        pack_by_terms(out, rest, x, a->term, shift, TILE_COLS, k);
    else
        pack_by_terms(out, rest, x, a->term, shift, n, k);
    for (int j = 0; j < TILE_COLS; j++) {
        a->rest[i + j] = isfinite(rest[j]) ? rest[j] : NAN; /* infinite ones too */
        a->whole[i + j] = a->rest[i + j] + shift[j] * (double)k;
    }
}

/* The left panel of the TILE_ROWS rows from the first-th on of right panels: from one of them, or
 * from two, the second's row written over what is too much of the first's. What is too much of
 * the last is overwritten by the next term, or lies behind the panels. */
static void turn_panel(float *left, const float *panels, int first, int k) {
    int at = first % TILE_COLS, part = TILE_COLS - at;
    const float *a = panels + (size_t)(first / TILE_COLS) * (size_t)k * TILE_COLS;
    const float *b = a + (size_t)k * TILE_COLS;
    for (int q = 0; q < k; q++, left += LANES, a += TILE_COLS, b += TILE_COLS) {
        lanes_store(left, lanes_load(a + at));
        if (part < TILE_ROWS)
            lanes_store(left + part, lanes_load(b));
    }
}

/* ---- products ---- */

/* sums (TILE_ROWS, TILE_COLS) become, or get added, those of a chain of k terms; ahead: as many
 * floats as terms times SHARE come into the second cache */
LANES_INLINE void chain(double *sums, const float *a, const float *b, int k, int add,
                        const float *ahead) {
    lanes sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++)
        sum[i][0] = sum[i][1] = (lanes){0};
    for (int q = 0; q < k; q++, a += LANES, b += TILE_COLS) {
        if (q * SHARE % LINE == 0)
            __builtin_prefetch(ahead + q * SHARE, 0, 2);
        __builtin_prefetch(a + AHEAD_PANEL * LANES);
        __builtin_prefetch(b + AHEAD_PANEL * TILE_COLS);
        __builtin_prefetch(b + AHEAD_PANEL * TILE_COLS + LANES);
        tile_term(TILE_ROWS, sum, a, b);
    }
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++, sums += TILE_COLS) {
        lanes_widen(sums, sum[i][0], add);
        lanes_widen(sums + LANES, sum[i][1], add);
    }
}

/* ahead: the tile's share of the next right panel */
static void multiply(double *sums, const float *a, const float *b, int k, const float *ahead) {
    for (int q = 0; q < k; q += CHAIN)
        chain(sums, a + q * LANES, b + q * TILE_COLS, least(k - q, CHAIN), q > 0,
              ahead + q * SHARE);
}

/* a row of a result is a tile's row, and what was taken off both operands, or gets it added */
LANES_INLINE void take_row(double *c, const double *sums, double shift, double rest,
                           const double *shifts, const double *wholes, const int cols, int add) {
    for (int j = 0; j < cols; j++) {
        double value = sums[j] + (shift * wholes[j] + rest * shifts[j]);
        c[j] = add ? c[j] + value : value;
    }
}

/* c: the result's tile at row i, column j */
static void take_over(double *c, size_t ldc, const double *sums, const operand *a, const operand *b,
                      int i, int j, int lower, int add) {
    int end = least(a->rows, i + TILE_ROWS), cols = least(b->rows - j, TILE_COLS);
    for (; i < end; i++, c += ldc, sums += TILE_COLS) {
        int n = lower ? least(cols, i - j + 1) : cols;
        if (n == TILE_COLS)
            take_row(c, sums, a->shift[i], a->rest[i], b->shift + j, b->whole + j, TILE_COLS, add);
        else
            take_row(c, sums, a->shift[i], a->rest[i], b->shift + j, b->whole + j, n, add);
    }
}

/* what take_over will want, while the tile is multiplied */
static void fetch(const double *c, size_t ldc, int rows, int cols) {
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j < cols; j += 8)
            __builtin_prefetch(c + j, 1, 2);
}

/* 1: all its rows are constant; the ones behind a layer's inputs often have a panel of their own */
static int is_blank(const float *panel, int k) {
    size_t n = (size_t)k * TILE_COLS, i = 0;
    while (i < n && panel[i] == 0.0f)
        i++;
    return i == n;
}

typedef struct result {
    double *c; // (rows of the left, rows of the right)
    size_t ldc;
    int lower; /* the operands are the same, and what is above the diagonal is not written */
    int add;
} result;

/* one block of terms: left panels from row `first` on, all right panels */
static void block(const result *to, const operand *a, const operand *b, const float *left,
                  const float *right, int first, int k) {
    _Alignas(64) double sums[TILE] = {0};
    int end = least(a->rows, first + LEFT_ROWS);
    for (int j = 0; j < b->rows && (!to->lower || j < end); j += TILE_COLS) {
        const float *panel = right + (size_t)j * (size_t)k;
        int blank = is_blank(panel, k);
        if (blank)
            memset(sums, 0, sizeof sums);
        for (int i = first; i < end; i += TILE_ROWS) {
            double *c = to->c + (size_t)i * to->ldc + (size_t)j;
            if (to->lower && i + TILE_ROWS <= j)
                continue;
            fetch(c, to->ldc, least(a->rows - i, TILE_ROWS), least(b->rows - j, TILE_COLS));
            size_t t = (size_t)((i - first) / TILE_ROWS);
            if (!blank)
                multiply(sums, left + t * LANES * (size_t)k, panel, k,
                         panel + (TILE_COLS + t * SHARE) * (size_t)k);
            take_over(c, to->ldc, sums, a, b, i, j, to->lower, to->add);
        }
    }
}

/* left panels from row `first` on, of terms p to p + k - 1; right: right panels of the same
 * operand; NULL: there are none yet, they are made in aside */
static void pack_left(float *left, float *aside, const float *right, const operand *a, int first,
                      int p, int k) {
    int rows = least(a->rows - first, LEFT_ROWS);
    for (int i = 0; !right && i < rows; i += TILE_COLS)
        pack_panel(aside + (size_t)i * (size_t)k, a, first + i, p, k);
    for (int i = 0; i < rows; i += TILE_ROWS, left += (size_t)k * LANES)
        turn_panel(left, right ? right : aside, right ? first + i : i, k);
}

/* equal blocks, whole chains */
static int depth(int terms) {
    int blocks = (terms + DEPTH - 1) / DEPTH;
    return blocks < 2 ? terms : ((terms + blocks - 1) / blocks + CHAIN - 1) / CHAIN * CHAIN;
}

/* rows that panels have room for, those of a last block of left ones among them */
static size_t room_for_rows(int rows) {
    return (size_t)(panels_of(rows) + panels_of(LEFT_ROWS)) * TILE_COLS;
}

static err reserve(chained_room *r, size_t bytes) {
    if (bytes <= r->bytes)
        return OK;
    free(r->memory);
    *r = (chained_room){0};
    CALL(mem_alloc(bytes, 1, &r->memory));
    r->bytes = bytes;
    return OK;
}

static double *take_shifts(operand *a, double *memory) {
    size_t n = room_for_rows(a->rows);
    a->shift = memory;
    a->rest = memory + n;
    a->whole = memory + 2 * n;
    return memory + 3 * n;
}

/* where products' operands are packed */
typedef struct panels {
    float *left, *right, *aside;
} panels;

/* a left operand, and its product with the right one */
typedef struct factor {
    operand *a;
    double *c; // (rows of the left, rows of the right)
} factor;

/* behind each group of panels TILE_COLS floats that turn_panel may read or write */
static err make_room(chained_room *r, const factor *f, int n, operand *b, size_t deep,
                     panels *out) {
    size_t wide = (size_t)panels_of(b->rows) * TILE_COLS;
    size_t aside = (size_t)panels_of(LEFT_ROWS) * TILE_COLS;
    size_t shifts = 3 * room_for_rows(b->rows);
    size_t floats = deep * (wide + aside + LEFT_PANELS * LANES) + 3 * TILE_COLS;
    for (int i = 0; i < n; i++)
        shifts += 3 * room_for_rows(f[i].a->rows);
    CALL(reserve(r, shifts * sizeof(double) + floats * sizeof(float)));
    double *memory = take_shifts(b, (double *)(void *)r->memory);
    for (int i = 0; i < n; i++)
        if (f[i].a != b)
            memory = take_shifts(f[i].a, memory);
    out->right = (float *)(void *)memory;
    out->aside = out->right + deep * wide + TILE_COLS;
    out->left = out->aside + deep * aside + TILE_COLS;
    return OK;
}

/* All products with b (left rows, right rows), which is packed once; of b with itself: below the
 * diagonal. */
static err products(chained_room *r, const factor *f, int n, operand *b, int terms) {
    int deep = depth(terms);
    panels at;
    CALL(make_room(r, f, n, b, (size_t)deep, &at));
    for (int p = 0; p < terms; p += deep) {
        int k = least(terms - p, deep);
        for (int j = 0; j < b->rows; j += TILE_COLS)
            pack_panel(at.right + (size_t)j * (size_t)k, b, j, p, k);
        for (int i = 0; i < n; i++) {
            operand *a = f[i].a;
            const result to = {.c = f[i].c, .ldc = (size_t)b->rows, .lower = a == b, .add = p > 0};
            for (int first = 0; first < a->rows; first += LEFT_ROWS) {
                pack_left(at.left, at.aside, to.lower ? at.right : NULL, a, first, p, k);
                block(&to, a, b, at.left, at.right, first, k);
            }
        }
    }
    return OK;
}

err chained_room_create(chained_room **out) {
    return mem_alloc(1, sizeof **out, out);
}

void chained_room_destroy(chained_room **r) {
    if (*r)
        free((*r)->memory);
    free(*r);
    *r = NULL;
}

int chained_pays(int terms, int rows, int cols) {
#if defined(__FMA__)
    enum { LEAST = 96 };
    return terms >= LEAST && rows >= LEAST && cols >= LEAST;
#else
    (void)terms, (void)rows, (void)cols;
    return 0;
#endif
}

/* x (T, ld) by its first n columns */
static operand columns_of(const double *x, int ld, int n) {
    return (operand){.x = x, .row = 1, .term = (size_t)ld, .rows = n};
}

err chained_gram(chained_room *r, double *c, const double *x, int T, int d) {
    operand b = columns_of(x, d, d);
    return products(r, &(factor){&b, c}, 1, &b, T);
}

err chained_cross(chained_room *r, double *c, const double *y, int ldy, const double *x, int ldx,
                  int T, int m, int d) {
    operand a = columns_of(y, ldy, m), b = columns_of(x, ldx, d);
    return products(r, &(factor){&a, c}, 1, &b, T);
}

err chained_both(chained_room *r, double *xx, double *yx, const double *y, int ldy, const double *x,
                 int T, int m, int d) {
    operand a = columns_of(y, ldy, m), b = columns_of(x, d, d);
    const factor f[] = {{&b, xx}, {&a, yx}};
    return products(r, f, 2, &b, T);
}

err chained_linear(chained_room *r, double *y, const double *x, int ldx, const double *w, int T,
                   int m, int d) {
    operand a = {.x = x, .row = (size_t)ldx, .term = 1, .rows = T};
    operand b = {.x = w, .row = (size_t)d, .term = 1, .rows = m};
    return products(r, &(factor){&a, y}, 1, &b, d);
}
