/* toy.h: a tiny encoder and a separable task for the tests of training, averaging and evaluation.
 *
 * A sequence is [CLS], 4 to 10 pieces that count upwards (so that a masked one can be told from its
 * neighbours), [SEP]; one of them is replaced by GOOD or BAD, which is its label. */
#ifndef ESPALIER_TESTS_TOY_H
#define ESPALIER_TESTS_TOY_H

#include "base/rng.h"
#include "config/study.h"
#include "model/encoder.h"
#include "text/dataset.h"
#include "text/tokenizer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOY_CLS = 2, TOY_SEP, TOY_MASK, TOY_GOOD, TOY_BAD, TOY_FIRST = 8, TOY_V = 24 };

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static inline encoder_config toy_config(int K, int mlm) {
    return (encoder_config){.V = TOY_V,
                            .H = 16,
                            .L = 2,
                            .A = 2,
                            .F = 32,
                            .P = 16,
                            .Y = 2,
                            .K = K,
                            .mlm = mlm,
                            .norm_eps = 1e-12f};
}

/* the defaults of the table */
static inline finetune_options toy_finetune(void) {
    finetune_options o = {0};
#define TOY_integer(name, value)    o.name = value;
#define TOY_flag(name, value)       o.name = value;
#define TOY_real(name, value)       o.name = value;
#define TOY_text(name, value)       snprintf(o.name, sizeof o.name, "%s", value);
#define TOY(type, name, value, ...) TOY_##type(name, value)
    FINETUNE_OPTIONS(TOY)
#undef TOY
#undef TOY_text
#undef TOY_real
#undef TOY_flag
#undef TOY_integer
    return o;
}

/* what training reads of a vocabulary */
static inline tokenizer toy_vocabulary(void) {
    return (tokenizer){.V = TOY_V,
                       .pad = 0,
                       .unk = 1,
                       .cls = TOY_CLS,
                       .sep = TOY_SEP,
                       .mask = TOY_MASK,
                       .path = "toy vocabulary"};
}

static inline examples toy_examples(int n, uint64_t seed) {
    examples x = {.n = n, .max_length = 12};
    x.ids = malloc((size_t)n * 12 * sizeof *x.ids);
    x.offset = malloc(((size_t)n + 1) * sizeof *x.offset);
    x.label = malloc((size_t)n * sizeof *x.label);
    ck_assert(x.ids != NULL && x.offset != NULL && x.label != NULL);
    x.offset[0] = 0;
    for (int i = 0; i < n; i++) {
        rng_stream r = rng_open(seed, RNG_TEST, (uint32_t)i, 0);
        int words = 4 + (int)rng_below(&r, 7), start = (int)rng_below(&r, 16);
        int32_t *ids = x.ids + x.offset[i];
        ids[0] = TOY_CLS;
        for (int t = 0; t < words; t++)
            ids[1 + t] = TOY_FIRST + (start + t) % 16;
        x.label[i] = (int32_t)rng_below(&r, 2);
        ids[1 + (int)rng_below(&r, (uint32_t)words)] = x.label[i] ? TOY_GOOD : TOY_BAD;
        ids[1 + words] = TOY_SEP;
        x.offset[i + 1] = x.offset[i] + words + 2;
    }
    return x;
}

static inline encoder *toy_encoder(int K, int mlm, uint64_t seed) {
    encoder_config c = toy_config(K, mlm);
    encoder *m;
    ck_ok(encoder_create(&c, &m));
    encoder_init(m, seed);
    return m;
}

static inline int toy_same(const encoder *a, const encoder *b) {
    return a->n == b->n && memcmp(a->block, b->block, a->n * sizeof *a->block) == 0;
}

#endif
