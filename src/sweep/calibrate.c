#include "sweep/calibrate.h"

#include "base/clock.h"
#include "eval/accuracy.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

enum { LAYERS = 2, FEW = 4 };

typedef struct bench {
    encoder *m;
    finetune_options o;
    const examples *x;
} bench;

/* the first n of x */
static examples some_of(const examples *x, int n) {
    examples few = *x;
    few.n = n < x->n ? n : x->n;
    return few;
}

/* Seconds of one epoch over the first n examples in batches of B. */
static err train(bench *b, int n, int64_t B, double *seconds) {
    examples few = some_of(b->x, n);
    const par alone = par_alone();
    train_result r;
    b->o.batch = B;
    double began = clock_now();
    CALL(train_classifier(&alone, b->m, &b->o, &few, NULL, NULL, NULL, &r));
    *seconds = clock_now() - began;
    return OK;
}

/* An epoch costs a fixed part, a part a token and a part a step. The same examples in four times as
 * many steps give the last, a single batch the first. */
static err measure_training(bench *b, double seconds, cost_rates *out) {
    int64_t small = b->o.batch >= 4 ? b->o.batch / 4 : 1, large = 4 * small;
    int n = FEW * (int)large;
    double one, many, long_enough = seconds / 6;
    CALL(train(b, (int)large, large, &one)); /* memory and caches */
    CALL(train(b, (int)large, large, &one));
    CALL(train(b, n, large, &many));
    while (many < long_enough && n < b->x->n) {
        n *= 2;
        CALL(train(b, n, large, &many));
    }
    double quarter;
    CALL(train(b, n, small, &quarter));
    n = n < b->x->n ? n : b->x->n;
    double steps = ceil((double)n / (double)large), more = ceil((double)n / (double)small) - steps;
    int first = (int)large < n ? (int)large : n;
    double tokens = (double)(b->x->offset[n] - b->x->offset[first]);
    out->update = more > 0 ? fmax(0, (quarter - many) / more) : 0;
    out->update = steps > 1 ? fmin(out->update, (many - one) / (steps - 1)) : 0;
    out->update = fmax(0, out->update);
    out->token = tokens > 0 ? (many - one - (steps - 1) * out->update) / tokens
                            : many / (double)b->x->offset[n];
    return OK;
}

static err measure_scores(const encoder *m, const examples *heldout, double seconds,
                          cost_rates *out) {
    int n = 64;
    double took;
    accuracy a;
    for (;; n *= 2) {
        examples few = some_of(heldout, n);
        double began = clock_now();
        CALL(accuracy_local(m, &few, &a));
        took = clock_now() - began;
        out->evaluate = took / (double)few.offset[few.n];
        if (took > seconds / 6 || few.n == heldout->n)
            return OK;
    }
}

/* What a token of c costs over one of a shallower encoder: its products, and its attention at the
 * examples' mean length. */
static double per_token(const encoder_config *c, const examples *x) {
    double H = c->H, length = x->n > 0 ? (double)x->offset[x->n] / x->n : 1;
    return c->L * (4 * H * H + 2 * H * c->F + 2 * H * length) + H * H;
}

static err measure(const encoder_config *c, const finetune_options *o, const examples *x,
                   const examples *heldout, double seconds, calibration *out) {
    encoder_config thin = *c;
    bench b = {.o = *o, .x = x};
    thin.L = c->L < LAYERS ? c->L : LAYERS;
    out->layers = thin.L;
    b.o.epochs = 1;
    b.o.learning_rate = 1e-5;
    err e;
    TRY(encoder_create(&thin, &b.m));
    encoder_init(b.m, 1);
    TRY(measure_training(&b, seconds, &out->rates));
    TRY(measure_scores(b.m, heldout, seconds, &out->rates));
    double deeper = per_token(c, x) / per_token(&thin, x);
    out->rates.token *= deeper;
    out->rates.evaluate *= deeper;
    out->rates.update *= (double)encoder_count(c) / (double)encoder_count(&thin);
done:
    encoder_destroy(&b.m);
    return e;
}

err calibrate(const par *p, const encoder_config *c, const finetune_options *o, const examples *x,
              const examples *heldout, double seconds, calibration *out) {
    double began = clock_now();
    *out = (calibration){0};
    CALL(par_agree(p, measure(c, o, x, heldout, seconds, out)));
    const double pico = 1e12; /* rates in whole picoseconds, which add exactly */
    int64_t sums[3] = {(int64_t)(pico * out->rates.token), (int64_t)(pico * out->rates.update),
                       (int64_t)(pico * out->rates.evaluate)};
    CALL(par_sum_i64(p, sums, 3));
    out->rates = (cost_rates){(double)sums[0] / pico / p->size, (double)sums[1] / pico / p->size,
                              (double)sums[2] / pico / p->size};
    out->seconds = clock_now() - began;
    return OK;
}
