/* peak.h: what one core of this machine can do at best, measured, never looked up.
 *
 * Arithmetic: independent chains of multiply-adds that stay in registers (AMX: in tiles), as many
 * as hide the latency, at the widest vectors that the build may use: so a build without AVX-512 has
 * the lower limit of its own code. Memory: a copy and a triad over a given number of bytes, so that
 * a pass over a matrix that fits a cache is held against that cache and not against the main
 * memory.
 *
 * All are rates of one short burst (about a millisecond, or one pass over the bytes), in CPU time
 * of the calling thread. A core's clock and its neighbours change from second to second: hold a
 * figure against bursts that were taken right beside it (share.h). Not collective. */
#ifndef ESPALIER_BENCH_PEAK_H
#define ESPALIER_BENCH_PEAK_H

#include "base/err.h"

#include <stddef.h>

/* Seconds of this thread's CPU time: what else runs on the machine counts little. */
double peak_now(void);

/* Operations a second, a multiply-add counted as two. */
double peak_fp32(void);
double peak_fp64(void);
double peak_bf16(void); /* vdpbf16ps, products of bf16 added in float32; 0: not in this build */
double peak_amx(void);  /* bf16 in tiles; 0: not in this build, or not given by the kernel */

/* Two arrays that together hold a number of bytes; the caller closes. */
typedef struct peak_memory {
    float *a, *b; // (n), owned
    size_t n;
} peak_memory;

err peak_memory_open(peak_memory *m, size_t bytes);
void peak_memory_close(peak_memory *m);
/* Bytes a second, read and written alike: a copy of one array to the other; three streams updated
 * from a fourth, as an optimiser does, where no line is fetched only to be overwritten; the faster
 * of the two. */
double peak_copy(peak_memory *m);
double peak_update(peak_memory *m);
double peak_memory_rate(peak_memory *m);

#endif
