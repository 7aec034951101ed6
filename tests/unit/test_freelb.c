/* FreeLB against a slow one written from the method: one step of K passes. */
#include "base/arena.h"
#include "toy.h"
#include "train/freelb.h"

#include <math.h>

static double norm_of(const double *x, int n) {
    double sum = 0.0;
    for (int j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrt(sum);
}

/* METHOD: delta += rate g / |g| per token, scaled back to the bound; float64 */
static void reference_ascend(double *delta, const float *g, int T, int H, double rate,
                             double bound) {
    for (int t = 0; t < T; t++) {
        double *d = delta + t * H, row[64];
        for (int j = 0; j < H; j++)
            row[j] = (double)g[t * H + j];
        double length = norm_of(row, H);
        for (int j = 0; j < H && length > 0.0; j++)
            d[j] += rate * row[j] / length;
        double now = norm_of(d, H);
        for (int j = 0; j < H && bound > 0.0 && now > bound; j++)
            d[j] *= bound / now;
    }
}

START_TEST(ascent_is_reference) {
    enum { T = 7, H = 13 };
    float delta[T * H], g[T * H];
    double want[T * H];
    rng_stream r = rng_open(1, RNG_TEST, 0, 0);
    for (int i = 0; i < T * H; i++) {
        want[i] = (double)(delta[i] = (float)rng_normal(&r) * 0.02f);
        g[i] = i / H == 3 ? 0.0f : (float)rng_normal(&r) * 1e-9f; /* small ones count in full */
    }
    double bound = _i ? 0.06 : 0.0;
    reference_ascend(want, g, T, H, 0.03, bound);
    freelb_ascend(delta, g, T, H, 0.03, bound);
    for (int t = 0; t < T; t++) {
        double row[H];
        for (int j = 0; j < H; j++) {
            row[j] = (double)delta[t * H + j];
            ck_assert_double_eq_tol(row[j], want[t * H + j], 1e-8);
        }
        ck_assert(!_i || norm_of(row, H) <= 0.06 * (1 + 1e-6));
    }
}
END_TEST

/* a batch of toy sequences and what goes with it */
typedef struct scene {
    encoder *m;
    encoder_ws *ws;
    examples x;
    packer *pack;
    batch b;
    float *grads, *want;
} scene;

static scene scene_open(void) {
    scene s = {.m = toy_encoder(2, 0, 3), .x = toy_examples(9, 1)};
    int32_t rows[9];
    for (int i = 0; i < 9; i++)
        rows[i] = i;
    for (size_t i = 0; i < s.m->n; i++) /* so that the second pass differs from the first */
        s.m->block[i] *= 4.0f;
    ck_ok(encoder_ws_create(&s.m->c, &s.ws));
    ck_ok(packer_create(&s.x, 9, &s.pack));
    ck_ok(packer_pack(s.pack, rows, 9, &s.b));
    ck_ok(mem_alloc(s.m->n, sizeof *s.grads, &s.grads));
    ck_ok(mem_alloc(s.m->n, sizeof *s.want, &s.want));
    return s;
}

static void scene_close(scene *s) {
    encoder_destroy(&s->m);
    encoder_ws_destroy(&s->ws);
    examples_free(&s->x);
    packer_destroy(&s->pack);
    free(s->grads);
    free(s->want);
}

/* sum over the passes of gradient / K, each pass a step of its own with the delta made in float64
 */
static double reference_step(scene *s, const freelb *f, const dropout *drop, float weight) {
    int n = s->b.T * s->m->c.H;
    float *delta, *one;
    double *d, loss = 0.0, sum;
    ck_ok(mem_alloc((size_t)n, sizeof *delta, &delta));
    ck_ok(mem_alloc((size_t)n, sizeof *d, &d));
    ck_ok(mem_alloc(s->m->n, sizeof *one, &one));
    for (int k = 0; k < f->steps; k++) {
        batch b = s->b;
        for (int i = 0; i < n; i++)
            delta[i] = (float)d[i];
        b.delta = delta;
        memset(one, 0, s->m->n * sizeof *one);
        ck_ok(encoder_classify_step(s->ws, s->m, &b, drop, weight, one, &sum));
        for (size_t i = 0; i < s->m->n; i++)
            s->want[i] += one[i] / (float)f->steps;
        loss += sum / f->steps;
        reference_ascend(d, encoder_dembedding(s->ws), s->b.T, s->m->c.H, f->rate, f->bound);
    }
    free(delta);
    free(d);
    free(one);
    return loss;
}

static double gap(const scene *s) {
    double d = 0.0, size = 0.0;
    for (size_t i = 0; i < s->m->n; i++) {
        d += pow((double)s->grads[i] - (double)s->want[i], 2);
        size += pow((double)s->want[i], 2);
    }
    return sqrt(d / size);
}

START_TEST(step_is_reference) {
    scene s = scene_open();
    const dropout drop = {.seed = 3, .epoch = 1, .hidden = 0.1f, .attention = 0.1f};
    freelb f = {.steps = 3, .rate = 0.1, .bound = _i ? 0.15 : 0.0};
    double loss, want = reference_step(&s, &f, &drop, 0.5f), plain, once;
    ck_ok(freelb_step(&f, s.ws, s.m, &s.b, &drop, 0.5f, s.grads, &loss));
    ck_assert_double_eq_tol(loss, want, 1e-5 * want);
    ck_assert_double_lt(gap(&s), 1e-5);
    /* ascents make the loss larger: not the same as an ordinary step */
    ck_ok(encoder_classify_step(s.ws, s.m, &s.b, &drop, 1.0f, NULL, &plain));
    ck_assert_double_gt(loss, plain * 1.01);
    /* one pass is an ordinary step, and so is none */
    for (int steps = 0; steps < 2; steps++) {
        freelb g = {.steps = steps, .rate = 0.1};
        memset(s.grads, 0, s.m->n * sizeof *s.grads);
        memset(s.want, 0, s.m->n * sizeof *s.want);
        ck_ok(freelb_step(&g, s.ws, s.m, &s.b, &drop, 0.5f, s.grads, &once));
        ck_ok(encoder_classify_step(s.ws, s.m, &s.b, &drop, 0.5f, s.want, &plain));
        ck_assert_double_eq(once, plain);
        ck_assert(memcmp(s.grads, s.want, s.m->n * sizeof *s.grads) == 0);
        freelb_free(&g);
    }
    freelb_free(&f);
    scene_close(&s);
}
END_TEST

int main(void) {
    Suite *s = suite_create("freelb");
    TCase *t = tcase_create("freelb");
    tcase_add_loop_test(t, ascent_is_reference, 0, 2);
    tcase_add_loop_test(t, step_is_reference, 0, 2);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
