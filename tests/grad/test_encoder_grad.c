/* The whole encoder's gradients against central differences of the float64 reference, dropout on:
 * the mask is a function, so the differences are those of one fixed network. */
#include "base/arena.h"
#include "grad/difference.h"
#include "model/encoder.h"
#include "model/encoder_reference.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* float32 through two layers and back: observed 1e-6 to 4e-6 for an array, see difference.h */
static const double TOLERANCE = 2e-5;

enum { ARRAYS = 64, PROBES = 12, M = 4 };

static const int32_t ids[] = {2, 7, 5, 9, 3, 2, 4, 3, 2, 8, 8, 1, 6, 3};
static const int32_t types[] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1};
static const int32_t offsets[] = {0, 5, 8, 14}, labels[] = {2, 0, 1}, examples[] = {40, 3, 17};
static const int32_t positions[] = {1, 3, 6, 12}, targets[] = {10, 4, 4, 0};
static batch b = {.B = 3,
                  .T = 14,
                  .ids = ids,
                  .types = types,
                  .offsets = offsets,
                  .labels = labels,
                  .example = examples};

typedef struct fixture {
    encoder *m;
    encoder_ws *ws;
    double *block; /* (n) */
    float *grads;  /* (n) */
    const dropout *drop;
    int mlm;
} fixture;

/* larger weights than an initialisation has, so that attention is far from uniform */
static fixture make(encoder_kind family, int mlm, const dropout *drop) {
    encoder_config c = {.V = 11, .H = 12, .L = 2, .A = 3, .F = 20, .P = 6, .Y = 2, .K = 3};
    c.family = family;
    c.mlm = mlm;
    c.norm_eps = 1e-12f;
    fixture f = {.drop = drop, .mlm = mlm};
    if (family == ENCODER_DISTILBERT) {
        c.Y = 0;
        b.types = NULL;
    }
    if (family == ENCODER_ROBERTA)
        c.first_position = 2;
    ck_assert(encoder_create(&c, &f.m) == OK);
    ck_assert(encoder_ws_create(&c, &f.ws) == OK);
    ck_assert(mem_alloc(f.m->n, sizeof *f.block, &f.block) == OK);
    ck_assert(mem_alloc(f.m->n, sizeof *f.grads, &f.grads) == OK);
    random_fill(f.block, f.m->block, (int)f.m->n, 5, 0.1, 0.4);
    return f;
}

static void release(fixture *f) {
    encoder_destroy(&f->m);
    encoder_ws_destroy(&f->ws);
    free(f->block);
    free(f->grads);
}

static double reference_loss(const fixture *f) {
    double loss;
    if (f->mlm)
        ck_assert(encoder_reference_mlm_loss(&loss, f->m, f->block, &b, positions, targets, M,
                                             f->drop) == OK);
    else
        ck_assert(encoder_reference_classify_loss(&loss, f->m, f->block, &b, f->drop) == OK);
    return loss;
}

static void step(fixture *f, float weight, double *sum) {
    if (f->mlm)
        ck_assert(encoder_mlm_step(f->ws, f->m, &b, positions, targets, M, f->drop, weight,
                                   f->grads, sum) == OK);
    else
        ck_assert(encoder_classify_step(f->ws, f->m, &b, f->drop, weight, f->grads, sum) == OK);
}

/* PROBES entries of an array, spread over it, with h as in difference.h */
static void check_array(fixture *f, const encoder_array *a) {
    const double h = 1e-5;
    size_t n = (size_t)a->rows * (size_t)a->cols, stride = n / PROBES + 1;
    double gap = 0.0, size = 0.0, whole = 0.0;
    for (size_t i = 0; i < n; i += stride) {
        double *x = f->block + a->offset + i, at = *x;
        *x = at + h;
        double up = reference_loss(f);
        *x = at - h;
        double down = reference_loss(f);
        *x = at;
        double slope = (up - down) / (2.0 * h), mine = (double)f->grads[a->offset + i];
        gap += (mine - slope) * (mine - slope);
        size += slope * slope;
    }
    for (size_t i = 0; i < f->m->n; i++)
        whole += (double)f->grads[i] * (double)f->grads[i];
    /* an all but zero gradient (key.bias) is held against a thousandth of the whole gradient */
    double scale = fmax(sqrt(size), 1e-3 * sqrt(whole));
    ck_assert_msg(sqrt(gap) < TOLERANCE * scale, "%s: error %.2e of %.2e", a->name, sqrt(gap),
                  scale);
}

static void check_all(encoder_kind family, int mlm, const dropout *drop) {
    fixture f = make(family, mlm, drop);
    encoder_array arrays[ARRAYS];
    double sum;
    step(&f, 1.0f, &sum);
    ck_assert_double_eq_tol(sum / (mlm ? M : b.B), reference_loss(&f), 1e-5);
    int n = encoder_arrays(&f.m->c, arrays, ARRAYS);
    ck_assert_int_le(n, ARRAYS);
    for (int i = 0; i < n; i++)
        check_array(&f, &arrays[i]);
    release(&f);
}

static const dropout some = {.seed = 99, .epoch = 2, .hidden = 0.2f, .attention = 0.3f};

START_TEST(classifier) {
    check_all((encoder_kind)_i, 0, NULL);
}
END_TEST

START_TEST(classifier_dropout) {
    check_all((encoder_kind)_i, 0, &some);
}
END_TEST

START_TEST(masked_language) {
    check_all((encoder_kind)_i, 1, NULL);
}
END_TEST

START_TEST(masked_language_dropout) {
    check_all((encoder_kind)_i, 1, &some);
}
END_TEST

/* the gradient of the words' perturbation, and all others with it and with smoothed labels */
START_TEST(perturbed_and_smoothed) {
    enum { H = 12, N = 14 * H };
    /* the reference takes delta as float32: multiples of 2^-10 and a step of 2^-16 are exact in it
     */
    static float delta[N];
    const float h = 0x1p-16f;
    fixture f = make(ENCODER_BERT, 0, &some);
    for (int i = 0; i < N; i++)
        delta[i] = (float)(i * 37 % 101 - 50) * 0x1p-10f;
    b.delta = delta;
    b.smoothing = 0.25f;
    double sum, gap = 0.0, size = 0.0;
    step(&f, 1.0f, &sum);
    ck_assert_double_eq_tol(sum / b.B, reference_loss(&f), 1e-5);
    for (int i = 0; i < N; i++) {
        float at = delta[i];
        double mine = (double)encoder_dembedding(f.ws)[i];
        delta[i] = at + h;
        double up = reference_loss(&f);
        delta[i] = at - h;
        double slope = (up - reference_loss(&f)) / (2.0 * (double)h);
        delta[i] = at;
        gap += (mine - slope) * (mine - slope);
        size += slope * slope;
    }
    ck_assert_msg(sqrt(gap) < TOLERANCE * sqrt(size), "error %.2e of %.2e", sqrt(gap), sqrt(size));
    encoder_array arrays[ARRAYS];
    int n = encoder_arrays(&f.m->c, arrays, ARRAYS);
    for (int i = 0; i < n; i++)
        check_array(&f, &arrays[i]);
    release(&f);
}
END_TEST

/* grads is added to, weight scales it, the loss is not scaled */
START_TEST(weight_and_accumulation) {
    fixture f = make(ENCODER_BERT, 0, &some);
    double sum, again;
    step(&f, 1.0f, &sum);
    float *once;
    ck_assert(mem_alloc(f.m->n, sizeof *once, &once) == OK);
    memcpy(once, f.grads, f.m->n * sizeof *once);
    step(&f, 0.5f, &again);
    ck_assert_double_eq(sum, again);
    for (size_t i = 0; i < f.m->n; i++)
        ck_assert_float_eq_tol(f.grads[i], 1.5f * once[i], 1e-4f);
    free(once);
    release(&f);
}
END_TEST

int main(void) {
    Suite *s = suite_create("encoder gradients");
    TCase *c = tcase_create("differences");
    tcase_add_loop_test(c, classifier, 0, ENCODER_KINDS);
    tcase_add_loop_test(c, classifier_dropout, 0, ENCODER_KINDS);
    tcase_add_loop_test(c, masked_language, 0, ENCODER_KINDS);
    tcase_add_loop_test(c, masked_language_dropout, 0, ENCODER_KINDS);
    tcase_add_test(c, perturbed_and_smoothed);
    tcase_add_test(c, weight_and_accumulation);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
