/* small_encoder.h: for tests of the encoder: a ragged batch of 13 pieces, an encoder whose every
 * weight counts. */
#ifndef ESPALIER_TESTS_SMALL_ENCODER_H
#define ESPALIER_TESTS_SMALL_ENCODER_H

#include "base/rng.h"
#include "model/encoder.h"

#include <check.h>

enum { T = 23, PIECES = 13 };

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static const int32_t ids[T] = {1, 5,  8,  2, 1, 2,  1, 7, 9, 9, 3, 4,
                               6, 10, 12, 2, 1, 11, 4, 4, 4, 0, 2};
static const int32_t types[T] = {0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
static const int32_t offsets[] = {0, 4, 6, 16, 23}, labels[] = {1, 0, 1, 1};
static const batch all = {
    .B = 4, .T = T, .ids = ids, .types = types, .offsets = offsets, .labels = labels};

static inline encoder *make(const encoder_config *c) {
    encoder *m;
    ck_ok(encoder_create(c, &m));
    rng_stream r = rng_open(5, RNG_TEST, 0, 0);
    for (size_t i = 0; i < m->n; i++)
        m->block[i] = (float)(0.1 + 0.3 * rng_normal(&r));
    return m;
}

static inline encoder_ws *workspace(const encoder *m) {
    encoder_ws *ws;
    ck_ok(encoder_ws_create(&m->c, &ws));
    return ws;
}

#endif
