#include "peak.h"

#include "base/arena.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

/* the widest vectors of the build: intrinsics, because -mprefer-vector-width and loops over vector
 * elements leave gcc with half the width and a trip through memory for every multiply-add */
#if defined(__AVX512F__)
typedef __m512 wide32;
typedef __m512d wide64;
#define FMA32 _mm512_fmadd_ps
#define FMA64 _mm512_fmadd_pd
#elif defined(__AVX__) && defined(__FMA__)
typedef __m256 wide32;
typedef __m256d wide64;
#define FMA32 _mm256_fmadd_ps
#define FMA64 _mm256_fmadd_pd
#else
typedef float wide32 __attribute__((vector_size(16)));
typedef double wide64 __attribute__((vector_size(16)));
#define FMA32(a, b, c) ((a) * (b) + (c))
#define FMA64(a, b, c) ((a) * (b) + (c))
#endif

/* two units of latency 4 or 5 want ten chains; twelve and two constants fit 16 registers. One
 * variable a chain, not an array: nothing to spill. */
#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
enum { COUNT = 12, TURNS = 50000 };

double peak_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* results end here, so that no loop is dropped */
static volatile float sink;

static void keep(const void *x, size_t size) {
    float f[16] = {0};
    memcpy(f, x, size < sizeof f ? size : sizeof f);
    sink = f[0];
}

/* x <- x a + b runs towards b / (1 - a) = 1: no overflow, no denormal numbers */
double peak_fp32(void) {
    const wide32 a = (wide32){0} + 0.999f, b = (wide32){0} + 0.001f;
#define START(i) wide32 x##i = b * (float)(i + 1);
#define TURN(i)  x##i = FMA32(x##i, a, b);
#define SUM(i)   sum += x##i;
    CHAINS(START)
    double start = peak_now();
    for (int turn = 0; turn < TURNS; turn++) {
        CHAINS(TURN)
    }
    double took = peak_now() - start;
    wide32 sum = {0};
    CHAINS(SUM)
    keep(&sum, sizeof sum);
#undef START
#undef TURN
    return 2.0 * COUNT * TURNS * (sizeof(wide32) / sizeof(float)) / took;
}

double peak_fp64(void) {
    const wide64 a = (wide64){0} + 0.999, b = (wide64){0} + 0.001;
#define START(i) wide64 x##i = b * (double)(i + 1);
#define TURN(i)  x##i = FMA64(x##i, a, b);
    CHAINS(START)
    double start = peak_now();
    for (int turn = 0; turn < TURNS; turn++) {
        CHAINS(TURN)
    }
    double took = peak_now() - start;
    wide64 sum = {0};
    CHAINS(SUM)
    keep(&sum, sizeof sum);
#undef START
#undef TURN
    return 2.0 * COUNT * TURNS * (sizeof(wide64) / sizeof(double)) / took;
}

#if defined(__AVX512BF16__) && defined(__AVX512F__)
double peak_bf16(void) {
    const __m512 half = _mm512_set1_ps(0.5f), tiny = _mm512_set1_ps(1e-3f);
    const __m512bh a = _mm512_cvtne2ps_pbh(half, half), b = _mm512_cvtne2ps_pbh(tiny, tiny);
#define START(i) __m512 x##i = tiny * (float)(i + 1);
#define TURN(i)  x##i = _mm512_dpbf16_ps(x##i, a, b);
    CHAINS(START)
    double start = peak_now();
    for (int turn = 0; turn < TURNS; turn++) {
        CHAINS(TURN)
    }
    double took = peak_now() - start;
    __m512 sum = {0};
    CHAINS(SUM)
    keep(&sum, sizeof sum);
#undef START
#undef TURN
    return 4.0 * COUNT * TURNS * 16 / took; /* two products a lane */
}
#else
double peak_bf16(void) {
    return 0.0;
}
#endif

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
enum { TILE_ROWS = 16, TILE_BYTES = 64, ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

/* Intel SDM 3.3: palette 1, rows and bytes a row of each tile */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_config;

double peak_amx(void) {
    enum { TILES = 4, AMX_TURNS = 10000 };
    static uint16_t ones[TILE_ROWS * TILE_BYTES / 2];
    tile_config c = {.palette = 1};
    if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) != 0)
        return 0.0;
    for (int i = 0; i < 8; i++) {
        c.bytes[i] = TILE_BYTES;
        c.rows[i] = TILE_ROWS;
    }
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 0x3c00; /* 2^-7 as bf16 */
    _tile_loadconfig(&c);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, ones, TILE_BYTES);
    _tile_loadd(5, ones, TILE_BYTES);
    _tile_loadd(6, ones, TILE_BYTES);
    _tile_loadd(7, ones, TILE_BYTES);
    double start = peak_now();
    for (int turn = 0; turn < AMX_TURNS; turn++) { /* as a GEMM would: 2 x 2 tiles of the product */
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    double took = peak_now() - start;
    float out[TILE_ROWS * TILE_BYTES / 4];
    _tile_stored(0, out, TILE_BYTES);
    keep(out, sizeof(float));
    _tile_release();
    return 2.0 * TILE_ROWS * (TILE_BYTES / 4) * (TILE_BYTES / 2) * TILES * AMX_TURNS / took;
}
#else
double peak_amx(void) {
    return 0.0;
}
#endif

err peak_memory_open(peak_memory *m, size_t bytes) {
    *m = (peak_memory){.n = bytes / 2 / sizeof(float) / 64 * 64};
    m->n = m->n ? m->n : 64;
    err e;
    TRY(mem_alloc(m->n, sizeof(float), &m->a));
    TRY(mem_alloc(m->n, sizeof(float), &m->b));
    for (size_t i = 0; i < m->n; i++)
        m->b[i] = 1.0f;
    return OK;
done:
    peak_memory_close(m);
    return e;
}

void peak_memory_close(peak_memory *m) {
    free(m->a);
    free(m->b);
    *m = (peak_memory){0};
}

/* passes over the arrays that take about a millisecond */
static int passes(const peak_memory *m) {
    size_t turns = ((size_t)16 << 20) / (m->n * sizeof(float) * 2);
    return turns > 0 ? (int)turns : 1;
}

double peak_copy(peak_memory *m) {
    int turns = passes(m);
    double start = peak_now();
    for (int k = 0; k < turns; k++) {
        memcpy(m->a, m->b, m->n * sizeof(float));
        __asm__ volatile("" ::"r"(m->a) : "memory");
    }
    return 2.0 * (double)m->n * sizeof(float) * turns / (peak_now() - start);
}

double peak_update(peak_memory *m) {
    size_t n = m->n / 2;
    int turns = passes(m);
    double start = peak_now();
    for (int k = 0; k < turns; k++) {
        float *restrict x = m->a, *restrict y = m->a + n, *restrict z = m->b;
        const float *restrict g = m->b + n;
        for (size_t i = 0; i < n; i++) {
            x[i] = 0.5f * x[i] + g[i];
            y[i] = 0.5f * y[i] + g[i];
            z[i] = 0.5f * z[i] + g[i];
        }
        __asm__ volatile("" ::"r"(m->a), "r"(m->b) : "memory");
    }
    return 7.0 * (double)n * sizeof(float) * turns / (peak_now() - start);
}

double peak_memory_rate(peak_memory *m) {
    double copy = peak_copy(m), update = peak_update(m);
    return copy > update ? copy : update;
}
