#include "tensor/sparse.h"

#include "base/arena.h"
#include "tensor/amx.h"
#include "tensor/gemm_pack.h"
#include "tensor/lanes.h"

#include <stdlib.h>
#include <string.h>

enum { TOKENS = SPARSE_VECTORS * LANES };

static size_t count_kept(const float *w, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += w[i] != 0.0f;
    return kept;
}

int sparse_is_faster(const float *w, size_t n) {
    return count_kept(w, n) * (amx_used() ? 5 : 2) <= n;
}

err sparse_create(const float *w, int out, int in, sparse_weight **result) {
    err e;
    sparse_weight *s = NULL;
    int64_t at = 0;
    TRY(mem_alloc(1, sizeof *s, &s));
    s->out = out;
    s->in = in;
    s->panels = (in + SPARSE_COLUMNS - 1) / SPARSE_COLUMNS;
    s->kept = (int64_t)count_kept(w, (size_t)out * (size_t)in);
    TRY(mem_alloc((size_t)s->panels * (size_t)out + 1, sizeof *s->start, &s->start));
    TRY(mem_alloc((size_t)s->kept + 1, sizeof *s->column, &s->column));
    TRY(mem_alloc((size_t)s->kept + 1, sizeof *s->value, &s->value));
    for (int p = 0; p < s->panels; p++)
        for (int r = 0; r < out; r++) {
            s->start[(size_t)p * (size_t)out + (size_t)r] = at;
            for (int c = p * SPARSE_COLUMNS; c < in && c < (p + 1) * SPARSE_COLUMNS; c++) {
                float x = w[(size_t)r * (size_t)in + (size_t)c];
                if (x == 0.0f)
                    continue;
                s->column[at] = (uint8_t)(c - p * SPARSE_COLUMNS);
                s->value[at++] = x;
            }
        }
    s->start[(size_t)s->panels * (size_t)out] = at;
    *result = s;
    s = NULL;
done:
    sparse_destroy(&s);
    return e;
}

void sparse_destroy(sparse_weight **s) {
    if (!*s)
        return;
    free((*s)->start);
    free((*s)->column);
    free((*s)->value);
    free(*s);
    *s = NULL;
}

/* the block's inputs of one panel, and its outputs, by columns; and room to begin at a cache line
 */
size_t sparse_scratch(const sparse_weight *s) {
    return (size_t)TOKENS * (SPARSE_COLUMNS + (size_t)s->out) + 16;
}

/* to (cols, TOKENS) = from (rows, cols)^T, rows ld apart; what is beyond rows does not count */
static void turn(float *to, const float *from, size_t ld, int rows, int cols) {
    for (int t = 0; t < rows; t += LANES)
        for (int c = 0; c < cols; c += LANES) {
            int n = rows - t < LANES ? rows - t : LANES, k = cols - c < LANES ? cols - c : LANES;
            pack_transposed(to + (size_t)c * TOKENS + t, TOKENS, from + (size_t)t * ld + (size_t)c,
                            ld, n, k);
        }
}

/* sum (vectors) += the products of weights from .. to - 1; two chains of additions for each
 * vector hide their latency */
LANES_INLINE void row_products(lanes *sum, const sparse_weight *s, int64_t from, int64_t to,
                               const float *x, const int vectors) {
    lanes odd[SPARSE_VECTORS] = {{0}};
    int64_t i = from;
    for (; i + 2 <= to; i += 2) {
        const float *a = x + (size_t)s->column[i] * TOKENS;
        const float *b = x + (size_t)s->column[i + 1] * TOKENS;
        lanes v = lanes_set(s->value[i]), w = lanes_set(s->value[i + 1]);
        for (int k = 0; k < vectors; k++) {
            sum[k] = lanes_fma(v, lanes_load(a + k * LANES), sum[k]);
            odd[k] = lanes_fma(w, lanes_load(b + k * LANES), odd[k]);
        }
    }
    if (i < to) {
        const float *a = x + (size_t)s->column[i] * TOKENS;
        lanes v = lanes_set(s->value[i]);
        for (int k = 0; k < vectors; k++)
            sum[k] = lanes_fma(v, lanes_load(a + k * LANES), sum[k]);
    }
    for (int k = 0; k < vectors; k++)
        sum[k] += odd[k];
}

/* y (out, TOKENS) from panel p's inputs x (columns, TOKENS), the first `vectors` of each; the first
 * panel begins with the bias */
LANES_INLINE void panel(float *y, const sparse_weight *s, int p, const float *x, const float *b,
                        const int vectors) {
    const int64_t *start = s->start + (size_t)p * (size_t)s->out;
    for (int r = 0; r < s->out; r++, y += TOKENS) {
        lanes sum[SPARSE_VECTORS];
        for (int k = 0; k < vectors; k++)
            sum[k] = p > 0 ? lanes_load(y + k * LANES) : lanes_set(b ? b[r] : 0.0f);
        row_products(sum, s, start[r], start[r + 1], x, vectors);
        for (int k = 0; k < vectors; k++)
            lanes_store(y + k * LANES, sum[k]);
    }
}

/* the same for so many tokens: their vectors are a constant for the compiler */
static void panel_of(float *y, const sparse_weight *s, int p, const float *x, const float *b,
                     int tokens) {
    _Static_assert(SPARSE_VECTORS == 4, "a case for each number of vectors");
    switch ((tokens + LANES - 1) / LANES) {
    case 1:
        panel(y, s, p, x, b, 1);
        break;
    case 2:
        panel(y, s, p, x, b, 2);
        break;
    case 3:
        panel(y, s, p, x, b, 3);
        break;
    default:
        panel(y, s, p, x, b, SPARSE_VECTORS);
    }
}

/* y (rows, out; rows ld apart) = from (out, TOKENS)^T */
static void turn_back(float *y, size_t ld, const float *from, int rows, int out) {
    for (int t = 0; t < rows; t += LANES)
        for (int r = 0; r < out; r += LANES) {
            int n = out - r < LANES ? out - r : LANES, k = rows - t < LANES ? rows - t : LANES;
            const float *part = from + (size_t)r * TOKENS + (size_t)t;
            float *to = y + (size_t)t * ld + (size_t)r, edge[LANES * LANES];
            if (n == LANES) {
                pack_transposed(to, ld, part, TOKENS, n, k);
                continue;
            }
            pack_transposed(edge, LANES, part, TOKENS, n, k); /* whole vectors are stored */
            for (int i = 0; i < k; i++)
                memcpy(to + (size_t)i * ld, edge + i * LANES, (size_t)n * sizeof *to);
        }
}

void sparse_linear(float *y, int ld, const float *x, const sparse_weight *s, const float *b, int T,
                   float *scratch) {
    float *turned = scratch + (16 - ((uintptr_t)scratch / sizeof(float)) % 16) % 16;
    memset(turned, 0, (size_t)TOKENS * SPARSE_COLUMNS * sizeof *turned); /* numbers, at least */
    float *sums = turned + (size_t)TOKENS * SPARSE_COLUMNS;
    for (int t = 0; t < T; t += TOKENS) {
        int rows = T - t < TOKENS ? T - t : TOKENS;
        for (int p = 0; p < s->panels; p++) {
            int first = p * SPARSE_COLUMNS;
            int cols = s->in - first < SPARSE_COLUMNS ? s->in - first : SPARSE_COLUMNS;
            turn(turned, x + (size_t)t * (size_t)s->in + (size_t)first, (size_t)s->in, rows, cols);
            panel_of(sums, s, p, turned, b, rows);
        }
        turn_back(y + (size_t)t * (size_t)ld, (size_t)ld, sums, rows, s->out);
    }
}
