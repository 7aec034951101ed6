#include "linalg/fixed.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "tensor/amx.h"
#include "tensor/gemm_pack.h"

#include <math.h>
#include <stdlib.h>

#if defined(AMX_BUILT) && (defined(__AMX_INT8__) || defined(__AMXINT8__))

/* Panels are 16 rows of an operand, cut into steps of 64 terms; a step holds the four digits one
 * after the other, the leading one first:
 *
 *   left   (16 rows, 64 terms)
 *   right  (16 times 4 terms, 16 rows, 4)
 *
 * each the other's transpose in words of four terms. */
enum {
    ROWS = 16,
    TERMS = 64,
    DIGITS = 4,
    TILE = 256, /* words */
    STEP = DIGITS * TILE,
    DEPTH = 16,     /* steps of a panel, 64 KiB */
    LEFT_PANELS = 8 /* fill 512 KiB, the second cache's share */
};

typedef uint32_t word; /* four digits of one row, the earliest term lowest */

/* how x (rows, terms) lies in memory: term k of row i */
typedef struct operand {
    const double *x;
    size_t row, term; /* distances; one of them is 1 */
    int rows;
    double *scale;   // (rows rounded up) to integers: a power of two, below 2^31 / largest
    double *unscale; // (rows rounded up) back; NaN: something is not finite
} operand;

static int least(int a, int b) {
    return a < b ? a : b;
}

static int round_up(int n, int to) {
    return (n + to - 1) / to * to;
}

/* ---- scales ---- */

/* largest (rows) magnitudes; NaN counts as infinite */
static void find_largest(const operand *a, int terms, double *largest) {
    int outer = a->term == 1 ? a->rows : terms, inner = a->term == 1 ? terms : a->rows;
    size_t distance = a->term == 1 ? a->row : a->term;
    for (int o = 0; o < outer; o++) {
        const double *x = a->x + (size_t)o * distance;
        for (int i = 0; i < inner; i++) {
            double magnitude = fabs(x[i]), *to = largest + (a->term == 1 ? o : i);
            *to = magnitude <= *to ? *to : magnitude == magnitude ? magnitude : INFINITY;
        }
    }
}

static err find_scales(operand *a, int terms) {
    size_t n = (size_t)round_up(a->rows, ROWS);
    CALL(mem_alloc(2 * n, sizeof *a->scale, &a->scale));
    a->unscale = a->scale + n;
    find_largest(a, terms, a->scale);
    for (size_t i = 0; i < n; i++) {
        int exponent = 0;
        double largest = a->scale[i];
        /* integers below 127/128 of 2^31: the leading digit takes a carry from the others */
        if (frexp(largest, &exponent) > 127.0 / 128.0)
            exponent++;
        int usable = largest > 0x1p-900 && largest < INFINITY;
        a->scale[i] = usable ? ldexp(1.0, 31 - exponent) : 0.0;
        a->unscale[i] = usable ? ldexp(1.0, exponent - 31) : largest == INFINITY ? NAN : 0.0;
    }
    return OK;
}

/* ---- packing ---- */

/* sixteen integers below 2^31 - 2^24, less a constant that turns their bytes into signed digits */
LANES_INLINE __m512i digits_of(__m512d low, __m512d high) {
    const __m512i middle = _mm512_set1_epi32(0x00808080);
    __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtpd_epi32(low)),
                                   _mm512_cvtpd_epi32(high), 1);
    return _mm512_xor_si512(_mm512_add_epi32(q, middle), middle);
}

/* sixteen numbers from x on, the first n of them; scaled by `scale` each */
LANES_INLINE __m512i load_digits(const double *x, int n, __m512d low, __m512d high) {
    uint32_t there = n >= 16 ? 0xffffu : n > 0 ? (1u << n) - 1u : 0u;
    __m512d a = _mm512_maskz_loadu_pd((__mmask8)there, x);
    __m512d b = _mm512_maskz_loadu_pd((__mmask8)(there >> 8), x + 8);
    return digits_of(a * low, b * high);
}

/* digit d (0: leading) of sixteen words, to byte `to` */
LANES_INLINE __m512i digit_to(__m512i x, const int d, const int to) {
    __m512i byte =
        _mm512_and_si512(_mm512_srli_epi32(x, (unsigned)(24 - 8 * d)), _mm512_set1_epi32(0xff));
    return _mm512_slli_epi32(byte, (unsigned)(8 * to));
}

/* a step of a right panel from terms in rows: x at the first row's first term, n rows, k terms */
static void pack_by_terms(word *out, const double *x, size_t ld, const double *scale, int n,
                          int k) {
    __m512d low = _mm512_loadu_pd(scale), high = _mm512_loadu_pd(scale + 8);
    for (int q = 0; q < TERMS; q += 4, out += ROWS) {
        __m512i v[4];
        for (int i = 0; i < 4; i++)
            v[i] =
                load_digits(q + i < k ? x + (size_t)(q + i) * ld : x, q + i < k ? n : 0, low, high);
#pragma GCC unroll 4
        for (int d = 0; d < DIGITS; d++) {
            __m512i a = _mm512_or_si512(digit_to(v[0], d, 0), digit_to(v[1], d, 1));
            __m512i b = _mm512_or_si512(digit_to(v[2], d, 2), digit_to(v[3], d, 3));
            _mm512_storeu_si512(out + d * TILE, _mm512_or_si512(a, b));
        }
    }
}

/* a step of a left panel from rows: x at the first row's first term, n rows, k terms */
static void pack_by_rows(word *out, const double *x, size_t ld, const double *scale, int n, int k) {
    for (int i = 0; i < ROWS; i++, out += TERMS / 4) {
        __m512d by = _mm512_set1_pd(scale[i]);
        const double *row = x + (size_t)(i < n ? i : 0) * ld;
        for (int q = 0; q < TERMS; q += 16) {
            __m512i v = load_digits(row + q, i < n ? k - q : 0, by, by);
#pragma GCC unroll 4
            for (int d = 0; d < DIGITS; d++)
                _mm_storeu_si128(
                    (__m128i *)(void *)(out + d * TILE + q / 4),
                    _mm512_cvtepi32_epi8(_mm512_srli_epi32(v, (unsigned)(24 - 8 * d))));
        }
    }
}

/* between left and right */
static void turn_step(word *step) {
    for (int d = 0; d < DIGITS; d++, step += TILE) {
        lanes v[ROWS];
        for (int i = 0; i < ROWS; i++)
            v[i] = (lanes)_mm512_loadu_si512(step + i * ROWS);
        lanes_transpose(v);
        for (int i = 0; i < ROWS; i++)
            _mm512_storeu_si512(step + i * ROWS, (__m512i)v[i]);
    }
}

/* the panel of rows i to i + 15, terms p to p + k - 1 */
static void pack_panel(word *out, const operand *a, int i, int p, int k, int left) {
    int n = least(a->rows - i, ROWS);
    const double *x = a->x + (size_t)i * a->row + (size_t)p * a->term;
    for (int q = 0; q < k; q += TERMS, out += STEP, x += (size_t)TERMS * a->term) {
        if (a->term == 1)
            pack_by_rows(out, x, a->row, a->scale + i, n, k - q);
        else
            pack_by_terms(out, x, a->term, a->scale + i, n, k - q);
        if ((a->term == 1) != left)
            turn_step(out);
    }
}

/* ---- products ---- */

/* sums (4, 16, 16), by the weight of their digits; a left panel, a right one. Tiles 0 to 3: sums;
 * 4, 5: of the left digits, and one of the right; 6, 7: of the right */
static void multiply(int32_t *sums, const word *a, const word *b, int steps) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int s = 0; s < steps; s++, a += STEP, b += STEP) {
        _tile_loadd(4, a, 64);
        _tile_loadd(6, b, 64);
        _tile_loadd(7, b + TILE, 64);
        _tile_loadd(5, b + 3 * TILE, 64);
        _tile_dpbssd(3, 4, 5);
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_loadd(5, b + 2 * TILE, 64);
        _tile_dpbssd(2, 4, 5);
        _tile_loadd(4, a + TILE, 64);
        _tile_dpbssd(3, 4, 5);
        _tile_dpbssd(1, 4, 6);
        _tile_dpbssd(2, 4, 7);
        _tile_loadd(5, a + 2 * TILE, 64);
        _tile_dpbssd(3, 5, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_loadd(4, a + 3 * TILE, 64);
        _tile_dpbssd(3, 4, 6);
    }
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + TILE, 64);
    _tile_stored(2, sums + 2 * TILE, 64);
    _tile_stored(3, sums + 3 * TILE, 64);
}

/* c (rows, cols) is the sums' value or gets it added; exact but for the addition: the value has 50
 * bits at most. sums: 2^24, 2^16, 2^8 and 1 times 2^24 */
static void take_over(double *c, size_t ldc, const int32_t *sums, const double *row,
                      const double *col, int rows, int cols, int add) {
    for (int i = 0; i < rows; i++, c += ldc, sums += ROWS) {
        double value[ROWS], by = 0x1p24 * row[i];
        for (int j = 0; j < ROWS; j++)
            value[j] = (((double)sums[j] * 0x1p24 + (double)sums[TILE + j] * 0x1p16) +
                        ((double)sums[2 * TILE + j] * 0x1p8 + (double)sums[3 * TILE + j])) *
                       (by * col[j]);
        for (int j = 0; j < cols; j++)
            c[j] = add ? c[j] + value[j] : value[j];
    }
}

/* what take_over will want, while the tiles multiply */
static void fetch(const double *c, size_t ldc, int rows) {
    for (int i = 0; i < rows; i++, c += ldc) {
        __builtin_prefetch(c, 1);
        __builtin_prefetch(c + 8, 1);
        __builtin_prefetch(c + 15, 1);
    }
}

/* one block of terms: left panels from row i on, all right panels */
static void block(double *c, size_t ldc, const operand *a, const operand *b, const word *left,
                  const word *right, int first, int steps, int lower, int add) {
    _Alignas(64) int32_t sums[DIGITS * TILE];
    int end = least(a->rows, first + LEFT_PANELS * ROWS);
    for (int j = 0; j < b->rows && (!lower || j < end); j += ROWS)
        for (int i = first; i < end; i += ROWS) {
            if (lower && i + ROWS <= j)
                continue;
            fetch(c + (size_t)i * ldc + (size_t)j, ldc, least(a->rows - i, ROWS));
            multiply(sums, left + (size_t)((i - first) / ROWS * DEPTH) * STEP,
                     right + (size_t)(j / ROWS * DEPTH) * STEP, steps);
            take_over(c + (size_t)i * ldc + (size_t)j, ldc, sums, a->unscale + i, b->unscale + j,
                      least(a->rows - i, ROWS), least(b->rows - j, ROWS), add);
        }
}

/* left panels from row `first` on, up to `end`, of terms p to p + k - 1; right: those of the same
 * rows as right ones, NULL: there are none */
static void pack_left(word *left, const word *right, const operand *a, int first, int end, int p,
                      int k) {
    size_t panel = (size_t)DEPTH * STEP, used = (size_t)((k + TERMS - 1) / TERMS) * STEP;
    for (int i = first; i < end; i += ROWS, left += panel) {
        if (!right) {
            pack_panel(left, a, i, p, k, 1);
            continue;
        }
        memcpy(left, right + (size_t)(i / ROWS) * panel, used * sizeof *left);
        for (size_t q = 0; q < used; q += STEP)
            turn_step(left + q);
    }
}

/* c (a's rows, b's rows); b NULL: a's own, below the diagonal */
static err product(double *c, size_t ldc, operand *a, operand *b, int terms) {
    err e;
    word *left = NULL, *right = NULL;
    size_t panel = (size_t)DEPTH * STEP;
    int lower = !b;
    TRY(find_scales(a, terms));
    if (lower)
        b = a;
    else
        TRY(find_scales(b, terms));
    TRY(mem_alloc((size_t)LEFT_PANELS * panel, sizeof *left, &left));
    TRY(mem_alloc((size_t)((b->rows + ROWS - 1) / ROWS) * panel, sizeof *right, &right));
    amx_open();
    for (int p = 0; p < terms; p += DEPTH * TERMS) {
        int k = least(terms - p, DEPTH * TERMS), steps = (k + TERMS - 1) / TERMS;
        for (int j = 0; j < b->rows; j += ROWS)
            pack_panel(right + (size_t)(j / ROWS) * panel, b, j, p, k, 0);
        for (int first = 0; first < a->rows; first += LEFT_PANELS * ROWS) {
            pack_left(left, lower ? right : NULL, a, first,
                      least(a->rows, first + LEFT_PANELS * ROWS), p, k);
            block(c, ldc, a, b, left, right, first, steps, lower, p > 0);
        }
    }
    amx_close();
done:
    free(a->scale);
    if (!lower)
        free(b->scale);
    free(left);
    free(right);
    return e;
}

int fixed_here(void) {
    return amx_used();
}

/* where packing is not most of the work */
static int pays(int terms, int m, int n) {
    enum { LEAST = 128 };
    return fixed_here() && terms >= LEAST && m >= LEAST && n >= LEAST;
}

err fixed_gram(double *c, const double *x, int T, int d) {
    operand a = {.x = x, .row = 1, .term = (size_t)d, .rows = d};
    if (pays(T, d, d))
        return product(c, (size_t)d, &a, NULL, T);
    dense_gram(c, x, T, d);
    return OK;
}

err fixed_cross(double *c, const double *y, int ldy, const double *x, int ldx, int T, int m,
                int d) {
    operand a = {.x = y, .row = 1, .term = (size_t)ldy, .rows = m};
    operand b = {.x = x, .row = 1, .term = (size_t)ldx, .rows = d};
    if (pays(T, m, d))
        return product(c, (size_t)d, &a, &b, T);
    dense_cross(c, y, ldy, x, ldx, T, m, d);
    return OK;
}

err fixed_linear(double *y, const double *x, int ldx, const double *w, int T, int m, int d) {
    operand a = {.x = x, .row = (size_t)ldx, .term = 1, .rows = T};
    operand b = {.x = w, .row = (size_t)d, .term = 1, .rows = m};
    if (pays(d, T, m))
        return product(y, (size_t)m, &a, &b, d);
    dense_linear(y, x, ldx, w, T, m, d);
    return OK;
}

#else

int fixed_here(void) {
    return 0;
}

err fixed_gram(double *c, const double *x, int T, int d) {
    dense_gram(c, x, T, d);
    return OK;
}

err fixed_cross(double *c, const double *y, int ldy, const double *x, int ldx, int T, int m,
                int d) {
    dense_cross(c, y, ldy, x, ldx, T, m, d);
    return OK;
}

err fixed_linear(double *y, const double *x, int ldx, const double *w, int T, int m, int d) {
    dense_linear(y, x, ldx, w, T, m, d);
    return OK;
}

#endif
