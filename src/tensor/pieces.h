/* pieces.h: a float32 as the exact sum of three bfloat16. Private to tensor and prune.
 *
 * high is x rounded to bfloat16, middle what is left rounded, low what is left of that: 24 bits are
 * three times eight. Of the nine products of two numbers' pieces six make the product to 2^-25 of
 * it: high high, high middle, middle high, middle middle, high low, low high; each is exact in
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

/* to nearest, of equally near ones away from zero: what is left has eight bits less either way */
LANES_INLINE __m512i pieces_round(__m512i bits) {
    return _mm512_and_si512(_mm512_add_epi32(bits, _mm512_set1_epi32(0x8000)),
                            _mm512_set1_epi32((int)0xffff0000u));
}

LANES_INLINE pieces pieces_of(lanes x) {
    pieces p;
    p.high = pieces_round((__m512i)x);
    lanes rest = x - (lanes)p.high;
    p.middle = pieces_round((__m512i)rest);
    p.low = (__m512i)(rest - (lanes)p.middle);
    return p;
}

/* words of two bfloat16: the upper half of first below, that of second above */
LANES_INLINE __m512i pieces_join(__m512i first, __m512i second) {
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(first, 16), second);
}

#endif
#endif
