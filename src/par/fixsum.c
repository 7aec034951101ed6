#include "par/fixsum.h"

#include "par/node_sum.h"

#include <math.h>

/* hi counts units of 2^-20, lo of 2^-60: see fixsum.h */
static const double LARGEST = 0x1p41, HI = 0x1p20, HI_UNIT = 0x1p-20, LO = 0x1p60,
                    LO_UNIT = 0x1p-60;
static const int LO_BITS = 40;
static const int64_t LO_MASK = ((int64_t)1 << 40) - 1, HI_LARGEST = (int64_t)1 << 61;

err fixsum_add(int64_t *acc, const double *x, size_t n) {
    return fixsum_add_limbs(acc, acc + n, x, n);
}

err fixsum_add_limbs(int64_t *restrict hi, int64_t *restrict lo, const double *restrict x,
                     size_t n) {
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        int ok = fabs(x[i]) <= LARGEST; /* false for NaN */
        double v = ok ? x[i] : 0.0, high = floor(v * HI);
        /* the rest lies in [0, 2^-20]; below zero its subtraction rounds at 2^-73, far under lo */
        int64_t sum = lo[i] + (int64_t)rint((v - high * HI_UNIT) * LO);
        /* |hi| and |high| <= 2^61, so that it cannot wrap here; a sum beyond is cut and reported */
        int64_t top = hi[i] + (int64_t)high + (sum >> LO_BITS);
        int fits = top >= -HI_LARGEST && top <= HI_LARGEST;
        hi[i] = fits ? top : 0;
        lo[i] = sum & LO_MASK;
        bad |= !ok | !fits;
    }
    CHECK(!bad, ERR_FAILED, "a sum over ranks has a term that is not finite, or is above 2^41");
    return OK;
}

err fixsum_reduce(const par *p, int64_t *acc, size_t n) {
    int64_t *hi = acc, *lo = acc + n, largest = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t magnitude = hi[i] < 0 ? -hi[i] : hi[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    CALL(par_max_i64(p, &largest, 1));
    CHECK(largest <= HI_LARGEST / p->size, ERR_FAILED, "a sum over %d ranks is above 2^41 / %d",
          p->size, p->size);
    CALL(node_sum_i64(p, acc, 2 * n));
    for (size_t i = 0; i < n; i++) {
        hi[i] += lo[i] >> LO_BITS;
        lo[i] &= LO_MASK;
    }
    return OK;
}

void fixsum_value(double *x, const int64_t *acc, size_t n) {
    fixsum_value_limbs(x, acc, acc + n, n);
}

void fixsum_value_limbs(double *x, const int64_t *hi, const int64_t *lo, size_t n) {
    /* below 2^33 both limbs are exact in float64: their sum is the only rounding */
    for (size_t i = 0; i < n; i++)
        x[i] = (double)hi[i] * HI_UNIT + (double)lo[i] * LO_UNIT;
}

/* 2^-44 keeps all 24 bits of an entry down to 2^-21; 64 terms of 2^12 * 2^44 stay below 2^63 */
static const double UNIT_F32 = 0x1p44;
static const float LARGEST_F32 = 0x1p12f;

void fixsum_add_f32(int64_t *restrict acc, const float *restrict x, size_t n, int *bad) {
    int fits = 1;
    for (size_t i = 0; i < n; i++)
        fits &= fabsf(x[i]) <= LARGEST_F32; /* false for NaN */
    *bad |= !fits;
    for (size_t i = 0; fits && i < n; i++)
        acc[i] += (int64_t)rint((double)x[i] * UNIT_F32);
}

void fixsum_value_f32(float *restrict x, const int64_t *restrict acc, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)acc[i] * 0x1p-44f; /* scaling by a power of two does not round again */
}

err fixsum_reduce_f32(const par *p, int64_t *acc, size_t n) {
    return node_sum_i64(p, acc, n);
}
