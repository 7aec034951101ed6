#include "tensor/gemm.h"

#include "tensor/gemm_bfloat16.h"
#include "tensor/gemm_pack.h"

/* A panel of B stays in the first-level cache while all panels of a block of A pass by, the block
 * of A in the second-level cache while all panels of B do. The depth decides in which order terms
 * are added, the height does not. */
enum {
    BLOCK_DEPTH = 384,
    BLOCK_ROWS = 36 * TILE_ROWS,
    PREFETCH = 16 * LANES /* floats of A ahead of their use */
};

/* One tile: rows x TILE_COLS of C (or of a copy of it) from k terms. rows is a constant wherever
 * this is inlined. */
LANES_INLINE void tile(const int rows, float *c, size_t ldc, const float *a, const float *b, int k,
                       int add) {
    lanes sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        sum[i][0] = sum[i][1] = (lanes){0};
        __builtin_prefetch(c + (size_t)i * ldc, 1);
        __builtin_prefetch(c + (size_t)i * ldc + LANES, 1);
    }
    for (int q = 0; q < k; q++, a += LANES, b += TILE_COLS) {
        lanes b0 = lanes_load(b), b1 = lanes_load(b + LANES);
        __builtin_prefetch(a + PREFETCH);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            lanes x = lanes_set(a[i]);
            sum[i][0] = lanes_fma(x, b0, sum[i][0]);
            sum[i][1] = lanes_fma(x, b1, sum[i][1]);
        }
    }
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

typedef void (*tile_fn)(float *c, size_t ldc, const float *a, const float *b, int k, int add);

/* clang-format off */
#define TILE(n)                                                                                    \
    static void tile_##n(float *c, size_t ldc, const float *a, const float *b, int k, int add) {   \
        tile(n, c, ldc, a, b, k, add);                                                             \
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
    TILES[rows](aside, TILE_COLS, a, b, k, 0);
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

/* m rows of C from row on, k terms from p on */
static void block(const gemm_call *g, const float *a, float *b, int row, int m, int p, int k) {
    int last = p + k == g->K, add = g->add || p > 0;
    for (int col = 0; col < g->N; col += TILE_COLS) {
        int cols = g->N - col < TILE_COLS ? g->N - col : TILE_COLS;
        pack_b(b, g->b, p, k, col, cols);
        for (int i = 0; i < m; i += TILE_ROWS) {
            int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
            float *c = g->c + (size_t)(row + i) * (size_t)g->ldc + col;
            if (cols == TILE_COLS)
                TILES[rows](c, (size_t)g->ldc, a + (size_t)(i / TILE_ROWS * LANES) * (size_t)k, b,
                            k, add);
            else
                edge_tile(c, (size_t)g->ldc, a + (size_t)(i / TILE_ROWS * LANES) * (size_t)k, b, k,
                          add, rows, cols);
            if (last && g->tail)
                g->tail(g->state, row + i, col, rows, cols);
        }
    }
}

void gemm(const gemm_call *g) {
    if (g->p == BFLOAT16) {
        gemm_bfloat16(g);
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

const char *gemm_describe(void) {
#if LANES == 16
    return "native, tiles of 14 x 32";
#elif LANES == 8
    return "native, tiles of 6 x 16";
#else
    return "native, tiles of 4 x 8";
#endif
}
