#include "par/fixsum.h"

#include <math.h>

/* hi counts units of 2^-20, lo of 2^-60: see fixsum.h */
static const double LARGEST = 0x1p42, HI = 0x1p20, LO = 0x1p60, HI_UNIT = 0x1p-20,
                    LO_UNIT = 0x1p-60;

err fixsum_add(int64_t *acc, const double *x, size_t n) {
    int64_t *hi = acc, *lo = acc + n;
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        double v = x[i];
        int ok = fabs(v) <= LARGEST; /* false for NaN */
        bad |= !ok;
        v = ok ? v : 0.0;
        double high = floor(v * HI);
        hi[i] += (int64_t)high;
        /* exact: v and high * 2^-20 share the exponent range of float64, the rest is below 2^-20 */
        lo[i] += (int64_t)((v - high * HI_UNIT) * LO);
    }
    CHECK(!bad, ERR_FAILED, "a sum over ranks has a term that is not finite or above 2^42");
    return OK;
}

err fixsum_reduce(const par *p, int64_t *acc, size_t n) {
    return par_sum_i64(p, acc, 2 * n);
}

void fixsum_value(double *x, const int64_t *acc, size_t n) {
    const int64_t *hi = acc, *lo = acc + n;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)hi[i] * HI_UNIT + (double)lo[i] * LO_UNIT;
}

/* 2^-44 keeps 24 bits of a gradient entry down to 2^-20; 2^18 * 2^44 < 2^63 leaves room for the sum
 */
static const float UNIT_F32 = 0x1p44f, LARGEST_F32 = 0x1p18f;

void fixsum_add_f32(int64_t *acc, const float *x, size_t n, int *bad) {
    int any = 0;
    for (size_t i = 0; i < n; i++) {
        float v = x[i];
        int ok = fabsf(v) < LARGEST_F32; /* false for NaN */
        any |= !ok;
        acc[i] += (int64_t)((ok ? v : 0.0f) * UNIT_F32);
    }
    *bad |= any;
}

void fixsum_value_f32(float *x, const int64_t *acc, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)acc[i] * 0x1p-44);
}

err fixsum_reduce_f32(const par *p, int64_t *acc, size_t n) {
    return par_sum_i64(p, acc, n);
}
