#include "tensor/gemm.h"

#include "tensor/amx.h"
#include "tensor/gemm_bfloat16.h"
#include "tensor/gemm_pack.h"

/* A panel of B stays in the first-level cache while all rows of a block of A pass by, the block of
 * A in the second-level cache while all panels of B do. The depth decides in which order terms are
 * added, the height does not. What comes next is fetched while a tile is computed, a line or two
 * every few terms: all at once it would wait for free line buffers, and the tile behind it. */
enum {
    BLOCK_DEPTH = 384,
    BLOCK_ROWS = 36 * TILE_ROWS,
    PREFETCH = 16, /* terms of A ahead of their use */
    UNROLLED = 4   /* terms a turn */
};

/* One tile: rows x TILE_COLS of C (or of a copy of it) from k terms; C's lines are fetched
 * meanwhile, and k / LANES lines from ahead on, step floats apart. rows is a constant wherever this
 * is inlined.
 */
LANES_INLINE void tile(const int rows, float *c, size_t ldc, const float *a, const float *b, int k,
                       int add, const float *ahead, size_t step) {
    lanes sum[TILE_ROWS][2];
    const float *line = c, *end = c + (size_t)rows * ldc;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = (lanes){0};
    int q = 0;
    for (; q + UNROLLED <= k; q += UNROLLED) {
        if (line < end) {
            __builtin_prefetch(line, 1);
            __builtin_prefetch(line + LANES, 1);
            line += ldc;
        }
        if (q % LANES == 0) {
            __builtin_prefetch(ahead, 0, 2);
            ahead += step;
        }
#pragma GCC unroll 16
        for (int u = 0; u < UNROLLED; u++) {
            __builtin_prefetch(a + (u + PREFETCH) * LANES);
            tile_term(rows, sum, a + u * LANES, b + u * TILE_COLS);
        }
        a += UNROLLED * LANES;
        b += UNROLLED * TILE_COLS;
    }
    for (; q < k; q++, a += LANES, b += TILE_COLS)
        tile_term(rows, sum, a, b);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        float *y = c + (size_t)i * ldc;
        if (add) {
            sum[i][0] += lanes_load(y);
            sum[i][1] += lanes_load(y + LANES);
        }
        lanes_store(y, sum[i][0]);
        lanes_store(y + LANES, sum[i][1]);
    }
}

typedef void (*tile_fn)(float *c, size_t ldc, const float *a, const float *b, int k, int add,
                        const float *ahead, size_t step);

/* clang-format off */
#define TILE(n)                                                                                    \
    static void tile_##n(float *c, size_t ldc, const float *a, const float *b, int k, int add,     \
                         const float *ahead, size_t step) {                                        \
        tile(n, c, ldc, a, b, k, add, ahead, step);                                                \
    }
TILE(1) TILE(2) TILE(3) TILE(4)
#if LANES >= 8
TILE(5) TILE(6)
#endif
#if LANES == 16
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
#endif

static const tile_fn TILES[TILE_ROWS + 1] = {
    NULL, tile_1, tile_2, tile_3, tile_4,
#if LANES >= 8
    tile_5, tile_6,
#endif
#if LANES == 16
    tile_7, tile_8, tile_9, tile_10, tile_11, tile_12, tile_13, tile_14,
#endif
};
/* clang-format on */

/* a tile that reaches over the last column of C: computed aside, its cols columns taken over */
static void edge_tile(float *c, size_t ldc, const float *a, const float *b, int k, int add,
                      int rows, int cols) {
    float aside[TILE_ROWS * TILE_COLS];
    TILES[rows](aside, TILE_COLS, a, b, k, 0, b, 0);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            float x = aside[i * TILE_COLS + j], *y = c + (size_t)i * ldc + j;
            *y = add ? *y + x : x;
        }
}

/* equal pieces of K, whole vectors, none deeper than BLOCK_DEPTH */
static int depth(int K) {
    int n = (K + BLOCK_DEPTH - 1) / BLOCK_DEPTH;
    return n < 2 ? K : ((K + n - 1) / n + LANES - 1) / LANES * LANES;
}

/* What tiles fetch of the panel of B that comes next: TILE_COLS pieces of k / LANES lines, step
 * floats apart; piece i begins i / across * down + i % across * LANES behind x. */
typedef struct coming {
    const float *x; /* NULL: nothing comes */
    size_t down, step;
    int across;
} coming;

static coming next_panel(const gemm_call *g, int p, int k, int col) {
    size_t ld = (size_t)g->b.ld, row = (size_t)p, next = (size_t)col + TILE_COLS;
    if (next + TILE_COLS > (size_t)g->N)
        return (coming){0};
    if (g->b.transposed)
        return (coming){g->b.x + next * ld + row, ld, LANES, 1};
    return (coming){g->b.x + row * ld + next, (size_t)(k / LANES) * ld, ld, 2};
}

static const float *piece(const coming *n, int i) {
    return n->x + (size_t)(i / n->across) * n->down + (size_t)(i % n->across) * LANES;
}

/* m rows of C from row on, k terms from p on */
static void block(const gemm_call *g, const float *a, float *b, int row, int m, int p, int k) {
    int last = p + k == g->K, add = g->add || p > 0;
    size_t ldc = (size_t)g->ldc;
    for (int col = 0; col < g->N; col += TILE_COLS) {
        int cols = g->N - col < TILE_COLS ? g->N - col : TILE_COLS;
        coming next = next_panel(g, p, k, col);
        pack_b(b, g->b, p, k, col, cols);
        for (int i = 0, t = 0; i < m; i += TILE_ROWS, t++) {
            int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
            float *c = g->c + (size_t)(row + i) * ldc + col;
            const float *panel = a + (size_t)(t * LANES) * (size_t)k;
            if (cols < TILE_COLS)
                edge_tile(c, ldc, panel, b, k, add, rows, cols);
            else if (next.x && t < TILE_COLS)
                TILES[rows](c, ldc, panel, b, k, add, piece(&next, t), next.step);
            else
                TILES[rows](c, ldc, panel, b, k, add, b, 0);
            if (last && g->tail)
                g->tail(g->state, row + i, col, rows, cols);
        }
    }
}

/* Of weights' gradients (A transposed), whose terms are a batch's tokens, far fewer will do; there
 * no row has to have the bits it has among others. */
static int suits_unit(const gemm_call *g) {
    enum { WIDE = 128, FEW_TERMS = 48 };
    return g->K >= DEEP_TERMS ||
           (g->a.transposed && g->K >= FEW_TERMS && g->M >= WIDE && g->N >= WIDE);
}

void gemm(const gemm_call *g) {
    if (g->p == BFLOAT16) {
        gemm_bfloat16(g);
        return;
    }
    if (suits_unit(g) && amx_used()) {
        gemm_pieces(g);
        return;
    }
    _Alignas(64) float a[BLOCK_ROWS / TILE_ROWS * LANES * BLOCK_DEPTH];
    _Alignas(64) float b[BLOCK_DEPTH * TILE_COLS];
    int deep = depth(g->K), blocks = (g->M + BLOCK_ROWS - 1) / BLOCK_ROWS;
    int high = ((g->M + blocks - 1) / blocks + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
    for (int p = 0; p < g->K; p += deep) {
        int k = g->K - p < deep ? g->K - p : deep;
        for (int row = 0; row < g->M; row += high) {
            int m = g->M - row < high ? g->M - row : high;
            pack_a(a, g->a, row, m, p, k);
            block(g, a, b, row, m, p, k);
        }
    }
}

int gemm_rows_independent(void) {
    return 1;
}

const char *gemm_describe(void) {
    if (amx_used())
        return "native, amx (three bfloat16 pieces) from 128 terms on, tiles of 14 x 32 below";
#if LANES == 16
    return "native, tiles of 14 x 32";
#elif LANES == 8
    return "native, tiles of 6 x 16";
#else
    return "native, tiles of 4 x 8";
#endif
}
