/* amx_tiles.h: the steps of a product of two panels on AMX tiles. Private to gemm_bfloat16. Panels
 * as bfloat16_pack.h lays them out; tiles 0 to 3 are the sums, 4 and 5 the halves of A, 6 and 7 of
 * B.
 */
#ifndef ESPALIER_TENSOR_AMX_TILES_H
#define ESPALIER_TENSOR_AMX_TILES_H

#include "tensor/amx.h"
#include "tensor/bfloat16_pack.h"

#ifdef AMX_BUILT

enum { HALF = PIECE / 2, ROW = 64 };

LANES_INLINE void tiles_clear(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

LANES_INLINE void tiles_load_a(const word *a) {
    _tile_loadd(4, a, ROW);
    _tile_loadd(5, a + HALF, ROW);
}

LANES_INLINE void tiles_load_b(const word *b) {
    _tile_loadd(6, b, ROW);
    _tile_loadd(7, b + HALF, ROW);
}

LANES_INLINE void tiles_add(void) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

/* c (SIDE, SIDE), rows ld apart */
LANES_INLINE void tiles_store_at(float *c, size_t ld) {
    _tile_stored(0, c, ld * sizeof *c);
    _tile_stored(1, c + 16, ld * sizeof *c);
    _tile_stored(2, c + 16 * ld, ld * sizeof *c);
    _tile_stored(3, c + 16 * ld + 16, ld * sizeof *c);
}

LANES_INLINE void tiles_store(float *c) {
    tiles_store_at(c, SIDE);
}

#endif
#endif
