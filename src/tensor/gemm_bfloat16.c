#include "tensor/gemm_bfloat16.h"

#include "tensor/gemm_pack.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__AVX512BF16__)

/* A panel of A is 32 rows, of B 32 columns. Both are cut into steps of 32 terms of the sum:
 *
 *   A  (step, 32 rows, 32 terms)           row by row
 *   B  (step, 2 halves, 16 pairs, 16 columns, 2)   pairs of terms side by side
 *
 * which is what AMX tiles hold, and what a dot product of pairs reads as well. */
enum {
    PANEL = 32,
    STEP = 32,
    STEP_WORDS = PANEL * STEP / 2, /* 32-bit words, each two bfloat16 */
    DEPTH = 512,                   /* terms: a panel of B fills 32 KiB */
    ROWS = 512
};

typedef uint32_t word; /* two bfloat16, the earlier term in the low half */

static lanes load(const float *x, int n) {
    return n >= LANES ? lanes_load(x) : n > 0 ? lanes_load_part(x, n) : (lanes){0};
}

/* 32 floats as 16 words */
LANES_INLINE __m512i round_pairs(lanes low, lanes high) {
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
}

/* x in the low half of each word, y in the high half */
LANES_INLINE __m512i round_words(lanes x, lanes y) {
    __m512i a = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)x));
    __m512i b = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)y));
    return _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
}

/* 16 rows of a step of A from row on: n rows and k terms are there */
static void pack_rows(word *out, gemm_operand a, int row, int n, int p, int k) {
    size_t ld = (size_t)a.ld;
    if (!a.transposed) {
        for (int i = 0; i < 16; i++) {
            const float *x = a.x + (size_t)(i < n ? row + i : 0) * ld + (size_t)p;
            int terms = i < n ? k : 0;
            _mm512_storeu_si512(out + i * 16,
                                round_pairs(load(x, terms), load(x + 16, terms - 16)));
        }
        return;
    }
    lanes low[16], high[16];
    for (int q = 0; q < 16; q++) {
        const float *x = a.x + (size_t)row;
        low[q] = q < k ? load(x + (size_t)(p + q) * ld, n) : (lanes){0};
        high[q] = q + 16 < k ? load(x + (size_t)(p + q + 16) * ld, n) : (lanes){0};
    }
    lanes_transpose(low);
    lanes_transpose(high);
    for (int i = 0; i < 16; i++)
        _mm512_storeu_si512(out + i * 16, round_pairs(low[i], high[i]));
}

/* 16 columns of a step of B from col on: n columns and k terms are there */
static void pack_columns(word *out, gemm_operand b, int p, int k, int col, int n) {
    size_t ld = (size_t)b.ld;
    if (b.transposed) {
        lanes v[16];
        for (int j = 0; j < 16; j++) {
            const float *x = b.x + (size_t)(j < n ? col + j : 0) * ld + (size_t)p;
            int terms = j < n ? k : 0;
            v[j] = (lanes)round_pairs(load(x, terms), load(x + 16, terms - 16));
        }
        lanes_transpose(v);
        for (int q = 0; q < 16; q++)
            _mm512_storeu_si512(out + q * 16, (__m512i)v[q]);
        return;
    }
    const float *x = b.x + (size_t)(n > 0 ? col : 0);
    for (int q = 0; q < 16; q++) {
        lanes even = 2 * q < k ? load(x + (size_t)(p + 2 * q) * ld, n) : (lanes){0};
        lanes odd = 2 * q + 1 < k ? load(x + (size_t)(p + 2 * q + 1) * ld, n) : (lanes){0};
        _mm512_storeu_si512(out + q * 16, round_words(even, odd));
    }
}

static void pack_panel_a(word *out, gemm_operand a, int row, int m, int p, int k) {
    for (int q = 0; q < k; q += STEP)
        for (int i = 0; i < PANEL; i += 16, out += STEP_WORDS / 2)
            pack_rows(out, a, row + i, m - i, p + q, k - q);
}

static void pack_panel_b(word *out, gemm_operand b, int p, int k, int col, int n) {
    for (int q = 0; q < k; q += STEP)
        for (int j = 0; j < PANEL; j += 16, out += STEP_WORDS / 2)
            pack_columns(out, b, p + q, k - q, col + j, n - j);
}

/* c (PANEL, PANEL) from two panels */
typedef void (*panel_fn)(float *c, const word *a, const word *b, int steps);

/* eight rows at a time: 16 sums, two vectors of B, one word of A in all lanes */
static void panel_pairs(float *c, const word *a, const word *b, int steps) {
    for (int i = 0; i < PANEL; i += 8) {
        __m512 sum[8][2];
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++)
            sum[r][0] = sum[r][1] = _mm512_setzero_ps();
        for (int s = 0; s < steps; s++) {
            const word *x = a + s * STEP_WORDS + i * 16, *y = b + s * STEP_WORDS;
            for (int q = 0; q < 16; q++) {
                __m512bh b0 = (__m512bh)_mm512_loadu_si512(y + q * 16);
                __m512bh b1 = (__m512bh)_mm512_loadu_si512(y + STEP_WORDS / 2 + q * 16);
#pragma GCC unroll 8
                for (int r = 0; r < 8; r++) {
                    __m512bh v = (__m512bh)_mm512_set1_epi32((int)x[r * 16 + q]);
                    sum[r][0] = _mm512_dpbf16_ps(sum[r][0], v, b0);
                    sum[r][1] = _mm512_dpbf16_ps(sum[r][1], v, b1);
                }
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            _mm512_storeu_ps(c + (i + r) * PANEL, sum[r][0]);
            _mm512_storeu_ps(c + (i + r) * PANEL + 16, sum[r][1]);
        }
    }
}

/* --- AMX --- */

#if defined(__AMX_BF16__) || defined(__AMXBF16__)
/* Linux hands out the tile registers only to processes that ask for them */
static int tiles_allowed(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static void tiles_open(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16]; /* a row */
        uint8_t rows[16];
    } form = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        form.bytes[i] = 64;
        form.rows[i] = 16;
    }
    _tile_loadconfig(&form);
}

/* tiles 0 to 3: C; 4, 5: the halves of A; 6, 7: of B */
static void panel_tiles(float *c, const word *a, const word *b, int steps) {
    enum { HALF = STEP_WORDS / 2, ROW = 64 };
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int s = 0; s < steps; s++, a += STEP_WORDS, b += STEP_WORDS) {
        _tile_loadd(4, a, ROW);
        _tile_loadd(6, b, ROW);
        _tile_loadd(7, b + HALF, ROW);
        _tile_loadd(5, a + HALF, ROW);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, PANEL * sizeof *c);
    _tile_stored(1, c + 16, PANEL * sizeof *c);
    _tile_stored(2, c + 16 * PANEL, PANEL * sizeof *c);
    _tile_stored(3, c + 16 * PANEL + 16, PANEL * sizeof *c);
}
#endif

/* --- blocks --- */

/* rows x cols of a finished panel into C */
static void take_over(float *c, size_t ldc, const float *x, int rows, int cols, int add) {
    for (int i = 0; i < rows; i++, c += ldc, x += PANEL) {
        if (cols == PANEL) {
            lanes v0 = lanes_load(x), v1 = lanes_load(x + LANES);
            lanes_store(c, add ? lanes_load(c) + v0 : v0);
            lanes_store(c + LANES, add ? lanes_load(c + LANES) + v1 : v1);
            continue;
        }
        for (int j = 0; j < cols; j++)
            c[j] = add ? c[j] + x[j] : x[j];
    }
}

static void block(const gemm_call *g, panel_fn panel, const word *a, word *b, int row, int m, int p,
                  int k) {
    _Alignas(64) float x[PANEL * PANEL];
    int last = p + k == g->K, add = g->add || p > 0, steps = (k + STEP - 1) / STEP;
    for (int col = 0; col < g->N; col += PANEL) {
        int cols = g->N - col < PANEL ? g->N - col : PANEL;
        pack_panel_b(b, g->b, p, k, col, cols);
        for (int i = 0; i < m; i += PANEL) {
            int rows = m - i < PANEL ? m - i : PANEL;
            panel(x, a + (size_t)(i / PANEL) * (size_t)(steps * STEP_WORDS), b, steps);
            take_over(g->c + (size_t)(row + i) * (size_t)g->ldc + col, (size_t)g->ldc, x, rows,
                      cols, add);
            if (last && g->tail)
                g->tail(g->state, row + i, col, rows, cols);
        }
    }
}

static void product(const gemm_call *g, panel_fn panel) {
    _Alignas(64) word a[ROWS * DEPTH / 2], b[PANEL * DEPTH / 2];
    for (int p = 0; p < g->K; p += DEPTH) {
        int k = g->K - p < DEPTH ? g->K - p : DEPTH;
        size_t panel_words = (size_t)((k + STEP - 1) / STEP * STEP_WORDS);
        for (int row = 0; row < g->M; row += ROWS) {
            int m = g->M - row < ROWS ? g->M - row : ROWS;
            for (int i = 0; i < m; i += PANEL)
                pack_panel_a(a + (size_t)(i / PANEL) * panel_words, g->a, row + i, m - i, p, k);
            block(g, panel, a, b, row, m, p, k);
        }
    }
}

void gemm_bfloat16_pairs(const gemm_call *g) {
    product(g, panel_pairs);
}

void gemm_bfloat16(const gemm_call *g) {
#if defined(__AMX_BF16__) || defined(__AMXBF16__)
    if (tiles_allowed()) {
        tiles_open();
        product(g, panel_tiles);
        _tile_release();
        return;
    }
#endif
    product(g, panel_pairs);
}

const char *gemm_bfloat16_way(void) {
#if defined(__AMX_BF16__) || defined(__AMXBF16__)
    if (tiles_allowed())
        return "amx";
#endif
    return __builtin_cpu_supports("avx512bf16") ? "avx512_bf16" : "none";
}

#else /* a build for CPUs without bfloat16: never called, see gemm_has_bfloat16 */

void gemm_bfloat16_pairs(const gemm_call *g) {
    (void)g;
}

void gemm_bfloat16(const gemm_call *g) {
    (void)g;
}

const char *gemm_bfloat16_way(void) {
    return "none";
}

#endif

int gemm_has_bfloat16(void) {
    return gemm_bfloat16_way()[0] != 'n';
}
