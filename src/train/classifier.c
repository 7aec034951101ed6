#include "base/arena.h"
#include "base/rng.h"
#include "par/preempt.h"
#include "train/clip.h"
#include "train/divergence.h"
#include "train/optimiser.h"
#include "train/schedule.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct classifier {
    const par *group;
    const train_place *place;
    encoder *m;
    const finetune_options *o;
    const examples *x;
    encoder_ws *ws;
    packer *pack;
    optimiser *opt;
    schedule_kind schedule;
    float *grads;   // a block of m's layout
    int32_t *order; // (x->n) rows in this epoch's order
    double *recent; // (tenth) losses of the last steps, a ring
    int B;          /* sequences of a full batch */
    int64_t epoch_steps, steps, tenth;
} classifier;

static void classifier_close(classifier *t) {
    encoder_ws_destroy(&t->ws);
    packer_destroy(&t->pack);
    optimiser_destroy(&t->opt);
    free(t->grads);
    free(t->order);
    free(t->recent);
}

static err optimiser_open(classifier *t) {
    const finetune_options *o = t->o;
    optimiser_rule rule = {.beta1 = o->beta1,
                           .beta2 = o->beta2,
                           .epsilon = o->epsilon,
                           .momentum = o->momentum,
                           .weight_decay = o->weight_decay,
                           .layer_decay = o->layer_decay};
    CALL(optimiser_parse(o->optimiser, &rule.kind));
    CALL(schedule_parse(o->schedule, &t->schedule));
    return optimiser_create(&t->m->c, &rule, 0, t->m->n, &t->opt);
}

static err classifier_open(classifier *t) {
    const examples *x = t->x;
    CHECK(x->n > 0, ERR_DATA, "there is no example to train on");
    for (int i = 0; i < x->n; i++)
        CHECK(x->label[i] >= 0 && x->label[i] < t->m->c.K, ERR_DATA,
              "training example %d has label %d, but the model has %d classes", i, x->label[i],
              t->m->c.K);
    t->B = t->o->batch < x->n ? (int)t->o->batch : x->n;
    t->epoch_steps = (x->n + t->B - 1) / t->B;
    t->steps = t->o->epochs * t->epoch_steps;
    t->tenth = t->epoch_steps >= 10 ? t->epoch_steps / 10 : 1;
    CALL(encoder_ws_create(&t->m->c, &t->ws));
    CALL(packer_create(x, t->B, &t->pack));
    CALL(optimiser_open(t));
    CALL(mem_alloc(t->m->n, sizeof *t->grads, &t->grads));
    CALL(mem_alloc((size_t)x->n, sizeof *t->order, &t->order));
    return mem_alloc((size_t)t->tenth, sizeof *t->recent, &t->recent);
}

/* the order of an epoch is a function of (seed, epoch), not of the epochs before it */
static void shuffle(classifier *t, uint32_t epoch) {
    for (int32_t i = 0; i < t->x->n; i++)
        t->order[i] = i;
    rng_stream s = rng_open((uint64_t)t->o->seed, RNG_SHUFFLE, epoch, 0);
    rng_shuffle(&s, t->order, t->x->n);
}

/* loss: mean of the step; norm: of its gradient, which stays in t->grads. */
static err gradient(classifier *t, int64_t step, int *tokens, double *loss, double *norm) {
    const finetune_options *o = t->o;
    int first = (int)(step % t->epoch_steps) * t->B;
    int B = t->x->n - first < t->B ? t->x->n - first : t->B;
    dropout drop = {.seed = (uint64_t)o->seed,
                    .epoch = (uint32_t)(step / t->epoch_steps),
                    .hidden = (float)o->dropout,
                    .attention = (float)o->dropout};
    batch b;
    CALL(packer_pack(t->pack, t->order + first, B, &b));
    b.smoothing = (float)o->label_smoothing;
    memset(t->grads, 0, t->m->n * sizeof *t->grads);
    CALL(encoder_classify_step(t->ws, t->m, &b, o->dropout > 0 ? &drop : NULL, 1.0f, t->grads,
                               loss));
    *tokens = b.T;
    *loss /= B;
    *norm = gradient_norm(t->grads, t->m->n);
    return OK;
}

static double mean(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static err classifier_run(classifier *t, monitor *mon, train_result *out) {
    const finetune_options *o = t->o;
    divergence watch = divergence_watch(t->m->c.K);
    double first = 0;
    for (int64_t step = 0; step < t->steps && !out->diverged; step++) {
        CALL(preempt_agree(t->group));
        CHECK(step == 0 || step != t->place->interrupt_at, ERR_STOPPED,
              "stopped on request; start again to go on");
        if (step % t->epoch_steps == 0)
            shuffle(t, (uint32_t)(step / t->epoch_steps));
        int tokens;
        double loss, norm;
        CALL(gradient(t, step, &tokens, &loss, &norm));
        out->diverged = divergence_seen(&watch, loss, norm);
        if (!out->diverged)
            optimiser_step(t->opt, t->m->block, t->grads,
                           schedule_rate(t->schedule, step, t->steps, o->warmup, o->learning_rate),
                           clip_scale(norm, o->clip));
        out->steps = step + 1;
        out->tokens += tokens;
        t->recent[step % t->tenth] = loss;
        if (step < t->tenth)
            first += loss;
        if (mon != NULL)
            monitor_step(mon, step + 1, loss);
    }
    int64_t seen = out->steps < t->tenth ? out->steps : t->tenth;
    out->first_loss = first / (double)seen;
    out->last_loss = mean(t->recent, seen);
    /* runs too short for the window, and a last step that overflowed */
    if (out->last_loss > watch.limit || !isfinite(gradient_norm(t->m->block, t->m->n)))
        out->diverged = 1;
    return OK;
}

err train_classifier(const par *group, encoder *m, const finetune_options *o, const examples *x,
                     const examples *heldout, const train_place *place, monitor *mon,
                     train_result *out) {
    static const train_place nowhere = {0};
    classifier t = {.group = group, .place = place ? place : &nowhere, .m = m, .o = o, .x = x};
    err e;
    (void)heldout;
    *out = (train_result){.best_loss = (double)NAN};
    TRY(par_agree(group, classifier_open(&t)));
    if (mon != NULL)
        mon->total = t.steps;
    TRY(classifier_run(&t, mon, out));
done:
    classifier_close(&t);
    return e;
}
