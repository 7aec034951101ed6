#include "tensor/gemm_bfloat16.h"

#include "tensor/amx_tiles.h"

#include <stdint.h>

#if defined(__AVX512BF16__)

/* Terms of a block (depth): a panel of B stays near the first-level cache with all its pieces.
 * Numbers of a block of A: with all their pieces they stay in the second. The first decides in
 * which order terms are added, the second does not. */
enum {
    DEPTH_ROUNDED = 512,
    DEPTH_EXACT = 256,
    BLOCK_ROUNDED = 512 * DEPTH_ROUNDED,
    BLOCK_EXACT = 512 * DEPTH_EXACT
};

/* What is fetched while a panel is computed: the panel of C that comes next, and rows of the panel
 * of B that is packed next, two lines of each a step. */
typedef struct coming {
    const float *c, *b;
    size_t ldc, row, step; /* of B: from row to row, from step to step */
    int c_rows, b_rows;    /* of a step */
} coming;

/* c (SIDE, SIDE), rows ldc apart, from `steps` steps of two panels */
typedef void (*panel_fn)(float *c, size_t ldc, const word *a, const word *b, int steps,
                         const coming *next);

/* sum += the terms of a piece of a step, eight rows of a and two vectors of b */
LANES_INLINE void add_pairs(__m512 sum[8][2], const word *a, const word *b) {
    for (int q = 0; q < 16; q++) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b + q * 16);
        __m512bh b1 = (__m512bh)_mm512_loadu_si512(b + PIECE / 2 + q * 16);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            __m512bh v = (__m512bh)_mm512_set1_epi32((int)a[r * 16 + q]);
            sum[r][0] = _mm512_dpbf16_ps(sum[r][0], v, b0);
            sum[r][1] = _mm512_dpbf16_ps(sum[r][1], v, b1);
        }
    }
}

/* Pieces of A and B whose products make the product, in the order in which they are added: one
 * operand changes at a time. */
enum { PRODUCTS = 6 };
static const int FACTORS[PRODUCTS][2] = {{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}, {0, 2}};

/* eight rows at a time: 16 sums, two vectors of B, one word of A in all lanes */
LANES_INLINE void panel_pairs(float *c, size_t ldc, const word *a, const word *b, int steps,
                              const int n) {
    for (int i = 0; i < SIDE; i += 8) {
        __m512 sum[8][2];
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++)
            sum[r][0] = sum[r][1] = _mm512_setzero_ps();
        for (int s = 0; s < steps; s++)
            for (int k = 0; k < (n == 1 ? 1 : PRODUCTS); k++)
                add_pairs(sum, a + (s * n + (n == 1 ? 0 : FACTORS[k][0])) * PIECE + i * 16,
                          b + (s * n + (n == 1 ? 0 : FACTORS[k][1])) * PIECE);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++, c += ldc) {
            _mm512_storeu_ps(c, sum[r][0]);
            _mm512_storeu_ps(c + 16, sum[r][1]);
        }
    }
}

static void pairs_rounded(float *c, size_t ldc, const word *a, const word *b, int steps,
                          const coming *next) {
    (void)next;
    panel_pairs(c, ldc, a, b, steps, 1);
}

static void pairs_exact(float *c, size_t ldc, const word *a, const word *b, int steps,
                        const coming *next) {
    (void)next;
    panel_pairs(c, ldc, a, b, steps, 3);
}

/* --- AMX --- */

#ifdef AMX_BUILT

/* Part k of the n parts of what a step fetches; all at once it would wait for free line buffers,
 * and the tiles behind it. */
LANES_INLINE void fetch(const coming *next, int step, int k, const int n) {
    int share = (next->c_rows + n - 1) / n, last = (k + 1) * share;
    const float *c = next->c + (size_t)(next->c_rows * step + k * share) * next->ldc;
    for (int i = k * share; i < last && i < next->c_rows; i++, c += next->ldc) {
        __builtin_prefetch(c, 1);
        __builtin_prefetch(c + LANES, 1);
    }
    const float *b = next->b + (size_t)step * next->step;
    share = (next->b_rows + n - 1) / n;
    last = (k + 1) * share;
    b += (size_t)(k * share) * next->row;
    for (int i = k * share; i < last && i < next->b_rows; i++, b += next->row) {
        __builtin_prefetch(b, 0, 2);
        __builtin_prefetch(b + LANES, 0, 2);
    }
}

/* a piece of the step that comes next: the first-level cache need not hold it yet, or still */
LANES_INLINE void fetch_piece(const word *x) {
#pragma GCC unroll 32
    for (int i = 0; i < PIECE; i += 16)
        __builtin_prefetch(x + i);
}

static void tiles_rounded(float *c, size_t ldc, const word *a, const word *b, int steps,
                          const coming *next) {
    tiles_clear();
    for (int s = 0; s < steps; s++, a += PIECE, b += PIECE) {
        fetch(next, s, 0, 1);
        tiles_load_a(a);
        tiles_load_b(b);
        tiles_add();
        fetch_piece(a + PIECE);
    }
    tiles_store_at(c, ldc);
}

/* The order of FACTORS. Behind a panel of A lies the one that is multiplied next; the panel of B
 * comes again. */
static void tiles_exact(float *c, size_t ldc, const word *a, const word *b, int steps,
                        const coming *next) {
    enum { ALL = 3 * PIECE };
    tiles_clear();
    for (int s = 0; s < steps; s++, a += ALL, b += ALL) {
        const word *a_next = a + ALL, *b_next = s + 1 < steps ? b + ALL : b - s * ALL;
        tiles_load_a(a + 2 * PIECE);
        tiles_load_b(b);
        tiles_add();
        fetch(next, s, 0, PRODUCTS);
        fetch_piece(a_next + 2 * PIECE);
        tiles_load_a(a + PIECE);
        tiles_add();
        fetch(next, s, 1, PRODUCTS);
        fetch_piece(b_next);
        tiles_load_b(b + PIECE);
        tiles_add();
        fetch(next, s, 2, PRODUCTS);
        fetch_piece(a_next + PIECE);
        tiles_load_a(a);
        tiles_add();
        fetch(next, s, 3, PRODUCTS);
        fetch_piece(b_next + PIECE);
        tiles_load_b(b);
        tiles_add();
        fetch(next, s, 4, PRODUCTS);
        fetch_piece(a_next);
        tiles_load_b(b + 2 * PIECE);
        tiles_add();
        fetch(next, s, 5, PRODUCTS);
        fetch_piece(b_next + 2 * PIECE);
    }
    tiles_store_at(c, ldc);
}
#endif

/* --- blocks --- */

/* rows x cols of a panel that was computed aside into C */
static void take_over(float *c, size_t ldc, const float *x, int rows, int cols, int add) {
    for (int i = 0; i < rows; i++, c += ldc, x += SIDE) {
        if (cols == SIDE && add) {
            lanes_store(c, lanes_load(c) + lanes_load(x));
            lanes_store(c + LANES, lanes_load(c + LANES) + lanes_load(x + LANES));
            continue;
        }
        for (int j = 0; j < cols; j++)
            c[j] = add ? c[j] + x[j] : x[j];
    }
}

/* fetched with row panel i (of m rows) and column col */
static void fetch_next(coming *next, const gemm_call *g, const float *c, int i, int m, int col,
                       int steps) {
    int whole = m - i >= 2 * SIDE && g->N - col >= SIDE;
    next->c = c + SIDE * next->ldc;
    next->c_rows = whole ? (SIDE + steps - 1) / steps : 0;
}

LANES_INLINE void block(const gemm_call *g, panel_fn panel, const word *a, word *b, int row, int m,
                        int p, int k, const int n) {
    _Alignas(64) float aside[SIDE * SIDE];
    int last = p + k == g->K, add = g->add || p > 0, steps = (k + STEP - 1) / STEP;
    int panels = (m + SIDE - 1) / SIDE, share = (SIDE + panels - 1) / panels;
    size_t ld = (size_t)g->b.ld, ldc = (size_t)g->ldc;
    coming next = {.ldc = ldc, .row = ld, .step = g->b.transposed ? STEP : STEP * ld};
    for (int col = 0; col < g->N; col += SIDE) {
        int cols = g->N - col < SIDE ? g->N - col : SIDE;
        int more = col + 2 * SIDE <= g->N && k % STEP == 0;
        const float *then = g->b.x + (g->b.transposed ? (size_t)(col + SIDE) * ld + (size_t)p
                                                      : (size_t)p * ld + (size_t)(col + SIDE));
        pack_panel_b(b, g->b, p, k, col, cols, n);
        for (int i = 0, t = 0; i < m; i += SIDE, t += next.b_rows) {
            int rows = m - i < SIDE ? m - i : SIDE, left = SIDE - t;
            const word *x = a + (size_t)(i / SIDE) * (size_t)(steps * n * PIECE);
            float *c = g->c + (size_t)(row + i) * ldc + col;
            int whole = rows == SIDE && cols == SIDE && !add;
            fetch_next(&next, g, c, i, m, col, steps);
            next.b_rows = !more ? 0 : share < left ? share : left;
            next.b = then + (size_t)t * ld;
            panel(whole ? c : aside, whole ? ldc : SIDE, x, b, steps, &next);
            if (!whole)
                take_over(c, ldc, aside, rows, cols, add);
            if (last && g->tail)
                g->tail(g->state, row + i, col, rows, cols);
        }
    }
}

/* equal parts of n, whole panels or steps, none greater than most */
static int equal(int n, int most) {
    int parts = (n + most - 1) / most;
    return ((n + parts - 1) / parts + SIDE - 1) / SIDE * SIDE;
}

LANES_INLINE void product(const gemm_call *g, panel_fn panel, word *a, word *b, int deep, int room,
                          const int n) {
    int high = equal(g->M, room / deep / SIDE * SIDE);
    for (int p = 0; p < g->K; p += deep) {
        int k = g->K - p < deep ? g->K - p : deep;
        size_t panel_words = (size_t)((k + STEP - 1) / STEP * n * PIECE);
        for (int row = 0; row < g->M; row += high) {
            int m = g->M - row < high ? g->M - row : high;
            pack_block_a(a, panel_words, g->a, row, m, p, k, n);
            block(g, panel, a, b, row, m, p, k, n);
        }
    }
}

static void product_rounded(const gemm_call *g, panel_fn panel) {
    _Alignas(64) word a[BLOCK_ROUNDED / 2], b[SIDE * DEPTH_ROUNDED / 2];
    product(g, panel, a, b, equal(g->K, DEPTH_ROUNDED), BLOCK_ROUNDED, 1);
}

static void product_exact(const gemm_call *g, panel_fn panel) {
    _Alignas(64) word a[BLOCK_EXACT / 2 * 3], b[SIDE * DEPTH_EXACT / 2 * 3];
    product(g, panel, a, b, equal(g->K, DEPTH_EXACT), BLOCK_EXACT, 3);
}

void gemm_bfloat16_pairs(const gemm_call *g) {
    product_rounded(g, pairs_rounded);
}

void gemm_pieces_pairs(const gemm_call *g) {
    product_exact(g, pairs_exact);
}

void gemm_bfloat16(const gemm_call *g) {
#ifdef AMX_BUILT
    if (amx_used()) {
        amx_open();
        product_rounded(g, tiles_rounded);
        amx_close();
        return;
    }
#endif
    product_rounded(g, pairs_rounded);
}

void gemm_pieces(const gemm_call *g) {
#ifdef AMX_BUILT
    amx_open();
    product_exact(g, tiles_exact);
    amx_close();
#else
    (void)g;
#endif
}

const char *gemm_bfloat16_way(void) {
    if (amx_used())
        return "amx";
    return __builtin_cpu_supports("avx512bf16") ? "avx512_bf16" : "none";
}

#else /* a build for CPUs without bfloat16: never called, see gemm_has_bfloat16 */

void gemm_bfloat16_pairs(const gemm_call *g) {
    (void)g;
}

void gemm_pieces_pairs(const gemm_call *g) {
    (void)g;
}

void gemm_bfloat16(const gemm_call *g) {
    (void)g;
}

void gemm_pieces(const gemm_call *g) {
    (void)g;
}

const char *gemm_bfloat16_way(void) {
    return "none";
}

#endif

int gemm_has_bfloat16(void) {
    return gemm_bfloat16_way()[0] != 'n';
}
