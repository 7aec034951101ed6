/* pieces.h: a float32 as the exact sum of three bfloat16. Private to tensor and prune.
 *
 * high is x rounded to bfloat16, middle what is left cut to it, low what is left of that: 24 bits
 * are three times eight. Of the nine products of two numbers' pieces six make the product to 2^-25
 * of it: high high, high middle, middle high, middle middle, high low, low high; each is exact in
 * float32 (Henry, Tang and Heinecke, Leveraging the bfloat16 artificial intelligence datatype for
 * higher-precision computations, ARITH 2019). What is not finite stays so, infinity as NaN. */
#ifndef ESPALIER_TENSOR_PIECES_H
#define ESPALIER_TENSOR_PIECES_H

#include "tensor/lanes.h"

#if defined(__AVX512BW__)

/* each in the upper half of a word; what the lower half holds does not count */
typedef struct pieces {
    __m512i high, middle, low;
} pieces;

/* Of equally near ones away from zero: what is left has eight bits less either way. Its sign is
 * that of no piece of another number, so the products that are left out are no bias. */
LANES_INLINE pieces pieces_of(lanes x) {
    const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32((int)0xffff0000u);
    pieces p;
    p.high = _mm512_and_si512(_mm512_add_epi32((__m512i)x, half), upper);
    lanes rest = x - (lanes)p.high;
    p.middle = _mm512_and_si512((__m512i)rest, upper);
    p.low = (__m512i)(rest - (lanes)p.middle);
    return p;
}

/* words of two bfloat16: the upper half of first below, that of second above */
LANES_INLINE __m512i pieces_join(__m512i first, __m512i second) {
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(first, 16), second);
}

#endif
#endif
