#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "io/hash.h"
#include "par/preempt.h"
#include "train/checkpoint.h"
#include "train/clip.h"
#include "train/divergence.h"
#include "train/early_stop.h"
#include "train/freelb.h"
#include "train/heldout.h"
#include "train/identity.h"
#include "train/keep_mask.h"
#include "train/optimiser.h"
#include "train/reduce.h"
#include "train/schedule.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* what a checkpoint keeps besides arrays, in this order */
enum { UPDATES, TOKENS, HISTORY, EVALUATIONS, SINCE, BEST_STEP, COUNTS };
enum { FIRST, BEST_LOSS, REALS };

typedef struct classifier {
    const par *group;
    encoder *m;
    const finetune_options *o;
    const examples *x;
    encoder_ws *ws;
    packer *pack;
    reducer *sum;
    optimiser *opt;
    schedule_kind schedule;
    freelb adversary;
    keep_mask mask;
    heldout_set held; /* rows NULL: no early stopping */
    early_stop stop;
    divergence watch;
    int32_t *order;  // (x->n) rows in the order of epoch `ordered`
    int64_t ordered; /* -1: none */
    double *recent;  // (tenth) losses of the last steps, a ring
    int B, shards;   /* sequences of a full micro-batch, and its parts */
    int64_t sequences, epoch_steps, steps, evaluate_every, tenth; /* sequences: of a full step */
    int64_t counts[COUNTS];
    double reals[REALS];
    checkpoint_file k;
    int64_t resumed;      /* the step it was taken up at; 0: from the start */
    double seconds, kept; /* between checkpoints, 0: any number; when the last one was kept */
    int due;              /* so many have passed */
    train_result *out;
} classifier;

static void classifier_close(classifier *t) {
    encoder_ws_destroy(&t->ws);
    packer_destroy(&t->pack);
    reducer_destroy(&t->sum);
    optimiser_destroy(&t->opt);
    freelb_free(&t->adversary);
    keep_mask_free(&t->mask);
    heldout_close(&t->held);
    early_stop_free(&t->stop);
    free(t->order);
    free(t->recent);
}

/* --- opening ---------------------------------------------------------------------------------- */

static err check_labels(const char *what, const examples *x, int K) {
    CHECK(x->n > 0, ERR_DATA, "there is no %s example", what);
    for (int i = 0; i < x->n; i++)
        CHECK(x->label[i] >= 0 && x->label[i] < K, ERR_DATA,
              "%s example %d has label %d, but the model has %d classes", what, i, x->label[i], K);
    return OK;
}

static err optimiser_open(classifier *t) {
    const finetune_options *o = t->o;
    size_t first, n;
    optimiser_rule rule = {.beta1 = o->beta1,
                           .beta2 = o->beta2,
                           .epsilon = o->epsilon,
                           .momentum = o->momentum,
                           .weight_decay = o->weight_decay,
                           .layer_decay = o->layer_decay};
    CALL(optimiser_parse(o->optimiser, &rule.kind));
    CALL(schedule_parse(o->schedule, &t->schedule));
    reducer_range(t->sum, &first, &n);
    if (o->keep_mask)
        CALL(keep_mask_open(t->m, first, n, &t->mask));
    return optimiser_create(&t->m->c, &rule, first, n, &t->opt);
}

static int64_t at_least_1(int64_t x) {
    return x > 0 ? x : 1;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void plan(classifier *t) {
    const finetune_options *o = t->o;
    int n = t->x->n;
    t->B = o->batch < n ? (int)o->batch : n;
    t->shards = (int)at_least_1(o->shards);
    int64_t sequences = t->B * at_least_1(o->accumulate);
    t->sequences = sequences < n ? sequences : n;
    t->epoch_steps = divide_up(n, t->sequences);
    t->steps = o->epochs * t->epoch_steps;
    t->evaluate_every = o->evaluate_every > 0 ? o->evaluate_every : t->epoch_steps;
    t->tenth = at_least_1(t->epoch_steps / 10);
    t->watch = divergence_watch(t->m->c.K);
    t->ordered = -1;
    t->adversary = (freelb){.steps = (int)o->adversarial_steps,
                            .rate = o->adversarial_rate,
                            .bound = o->adversarial_bound};
}

static err stop_open(classifier *t, const examples *heldout) {
    size_t first, n;
    if (t->o->early_stop == 0)
        return OK;
    CHECK(heldout != NULL, ERR_FAILED, "early stopping needs held-out examples");
    CALL(check_labels("held-out", heldout, t->m->c.K));
    reducer_range(t->sum, &first, &n);
    /* no more sequences at once than in a shard, whose activations fit */
    CALL(heldout_open(t->group, heldout, (int)divide_up(t->B, t->shards), &t->held));
    return early_stop_open(t->o->early_stop, n, &t->stop);
}

static err classifier_open(classifier *t, const examples *heldout) {
    const examples *x = t->x;
    CALL(check_labels("training", x, t->m->c.K));
    plan(t);
    CALL(encoder_ws_create(&t->m->c, &t->ws));
    CALL(packer_create(x, t->B, &t->pack));
    CALL(reducer_create(t->group, &t->m->c, t->shards, !t->m->c.mlm, &t->sum));
    CALL(optimiser_open(t));
    CALL(stop_open(t, heldout));
    CALL(mem_alloc((size_t)x->n, sizeof *t->order, &t->order));
    return mem_alloc((size_t)t->tenth, sizeof *t->recent, &t->recent);
}

/* --- its checkpoint --------------------------------------------------------------------------- */

/* all but those that change no byte of the model */
static err identify_options(const finetune_options *o, strbuf *b) {
#define IDENTIFY_integer(name) CALL(strbuf_printf(b, #name "=%lld|", (long long)o->name));
#define IDENTIFY_flag(name)    CALL(strbuf_printf(b, #name "=%d|", o->name));
#define IDENTIFY_real(name)    CALL(strbuf_printf(b, #name "=%a|", o->name));
#define IDENTIFY_text(name)    CALL(strbuf_printf(b, #name "=%s|", o->name));
#define IDENTIFY(type, name, ...)                                                                  \
    if (strcmp(#name, "ranks_per_variant") != 0 && strcmp(#name, "checkpoint_every") != 0)         \
    IDENTIFY_##type(name)
    FINETUNE_OPTIONS(IDENTIFY)
#undef IDENTIFY
#undef IDENTIFY_text
#undef IDENTIFY_real
#undef IDENTIFY_flag
#undef IDENTIFY_integer
    return OK;
}

static err identify(classifier *t) {
    strbuf b = {0};
    err e;
    TRY(strbuf_printf(&b, "finetune "));
    TRY(identity_encoder(t->m, &b));
    TRY(identify_options(t->o, &b));
    TRY(identity_examples(t->x, &b));
    if (t->held.rows != NULL)
        TRY(identity_examples(t->held.x, &b));
    t->k.run = (int64_t)hash_u64(b.text, b.len);
done:
    strbuf_free(&b);
    return e;
}

static void add_field(checkpoint_file *k, const char *name, checkpoint_kind kind, void *data,
                      size_t n) {
    if (data != NULL)
        k->field[k->fields++] = (checkpoint_field){name, kind, data, n};
}

static err checkpoint_open(classifier *t, const train_place *place) {
    size_t n = t->m->n;
    checkpoint_file *k = &t->k;
    k->r = t->sum;
    k->path = place->checkpoint;
    add_field(k, "parameters", CHECKPOINT_BLOCK, t->m->block, n);
    add_field(k, "m", CHECKPOINT_RANGE, t->opt->m, n);
    add_field(k, "v", CHECKPOINT_RANGE, t->opt->v, n);
    add_field(k, "best", CHECKPOINT_RANGE, t->stop.best, n);
    add_field(k, "losses", CHECKPOINT_REALS, t->recent, (size_t)t->tenth);
    add_field(k, "reals", CHECKPOINT_REALS, t->reals, REALS);
    add_field(k, "counts", CHECKPOINT_COUNTS, t->counts, COUNTS);
    return k->path != NULL && t->group->rank == CHECKPOINT_KEEPER ? identify(t) : OK;
}

/* this rank's range of the parameters */
static float *own(const classifier *t) {
    size_t first, n;
    reducer_range(t->sum, &first, &n);
    return t->m->block + first;
}

/* Collective. */
static err save(classifier *t) {
    optimiser_settle(t->opt, own(t));
    t->counts[UPDATES] = t->opt->step;
    t->counts[HISTORY] = t->watch.history;
    t->counts[EVALUATIONS] = t->stop.evaluations;
    t->counts[SINCE] = t->stop.since;
    t->counts[BEST_STEP] = t->stop.best_step;
    t->reals[BEST_LOSS] = t->stop.best_loss;
    CALL(checkpoint_save(&t->k));
    t->kept = clock_now();
    return OK;
}

/* Collective. */
static err resume(classifier *t) {
    int there;
    CALL(checkpoint_resume(&t->k, &there));
    if (!there)
        return OK;
    t->opt->step = t->counts[UPDATES];
    optimiser_wake(t->opt);
    t->watch.history = (uint32_t)t->counts[HISTORY];
    t->stop.evaluations = t->counts[EVALUATIONS];
    t->stop.since = t->counts[SINCE];
    t->stop.best_step = t->counts[BEST_STEP];
    t->stop.best_loss = t->reals[BEST_LOSS];
    t->resumed = t->k.step;
    return OK;
}

/* --- one step --------------------------------------------------------------------------------- */

/* the order of an epoch is a function of (seed, epoch), not of the epochs before it */
static void shuffle(classifier *t, int64_t epoch) {
    if (t->ordered == epoch)
        return;
    t->ordered = epoch;
    for (int32_t i = 0; i < t->x->n; i++)
        t->order[i] = i;
    rng_stream s = rng_open((uint64_t)t->o->seed, RNG_SHUFFLE, (uint32_t)epoch, 0);
    rng_shuffle(&s, t->order, t->x->n);
}

/* the examples of one step */
typedef struct slice {
    const int32_t *rows; // (n)
    int n;
    dropout drop;
    int shards;
} slice;

static slice slice_of(const classifier *t, int64_t step) {
    const finetune_options *o = t->o;
    int64_t first = step % t->epoch_steps * t->sequences;
    slice s = {.rows = t->order + first,
               .n = (int)(t->x->n - first < t->sequences ? t->x->n - first : t->sequences),
               .drop = {.seed = (uint64_t)o->seed,
                        .epoch = (uint32_t)(step / t->epoch_steps),
                        .hidden = (float)o->dropout,
                        .attention = (float)o->dropout}};
    int B = s.n < t->B ? s.n : t->B;
    s.shards = t->shards < B ? t->shards : B;
    return s;
}

/* Add the gradient of shard s: that part of every micro-batch. *asked: this rank is to stop, and
 * the gradient is not whole. */
static err shard_gradient(classifier *t, const slice *x, int s, double *loss, int64_t *asked) {
    float *grads = reducer_open(t->sum);
    *loss = 0.0;
    for (int first = 0; first < x->n; first += t->B) {
        int B = x->n - first < t->B ? x->n - first : t->B;
        shard_cut cut;
        batch b;
        double sum;
        *asked = preempt_asked();
        if (*asked)
            return OK;
        shards_cut(t->x, x->rows + first, B, x->shards, &cut);
        if (s >= cut.n) /* a last micro-batch of fewer sequences */
            continue;
        int n = cut.first[s + 1] - cut.first[s];
        CALL(packer_pack(t->pack, x->rows + first + cut.first[s], n, &b));
        b.smoothing = (float)t->o->label_smoothing;
        reducer_touch(t->sum, b.ids, b.T);
        optimiser_catch_up(t->opt, own(t), b.ids, b.T);
        CALL(freelb_step(&t->adversary, t->ws, t->m, &b, t->o->dropout > 0 ? &x->drop : NULL,
                         (float)((double)n / x->n), grads, &sum));
        *loss += sum;
    }
    reducer_close(t->sum);
    return OK;
}

/* All ranks' shards. loss: mean of the step. ERR_STOPPED: a rank was asked to stop. Collective. */
static err gradient(classifier *t, const slice *x, double *loss) {
    enum { ASKED = SHARDS_MAX, FAILED, DUE, COLUMNS };
    int64_t table[COLUMNS] = {0};
    int end;
    err mine = OK;
    for (int s = reducer_begin(t->sum, x->shards, &end); s < end && mine == OK && !table[ASKED];
         s++) {
        double sum;
        mine = shard_gradient(t, x, s, &sum, &table[ASKED]);
        memcpy(&table[s], &sum, sizeof sum);
    }
    int mine_asked = table[ASKED] > 0;
    table[FAILED] = mine != OK;
    table[DUE] = t->group->rank == CHECKPOINT_KEEPER && t->seconds > 0 &&
                 clock_now() - t->kept >= t->seconds;
    CALL(par_sum_i64(t->group, table, COLUMNS));
    t->due = table[DUE] > 0;
    if (table[FAILED] > 0)
        return par_agree(t->group, mine);
    if (table[ASKED] > 0) /* the step is dropped */
        return par_agree(t->group, mine_asked ? preempt_raise() : OK);
    *loss = 0.0;
    for (int s = 0; s < x->shards; s++) {
        double sum;
        memcpy(&sum, &table[s], sizeof sum);
        *loss += sum / x->n;
    }
    return OK;
}

/* Divergence watch, clipping and the optimiser, each rank on its range. Collective. */
static err update(classifier *t, double loss) {
    const finetune_options *o = t->o;
    float *sum;
    double norm;
    CALL(reducer_sum(t->sum, &sum));
    keep_mask_apply(&t->mask, sum);
    CALL(reducer_norm(t->sum, sum, &norm));
    t->out->diverged = divergence_seen(&t->watch, loss, norm);
    if (t->out->diverged)
        return OK;
    optimiser_step(t->opt, own(t), sum, reducer_rows(t->sum),
                   schedule_rate(t->schedule, t->k.step, t->steps, o->warmup, o->learning_rate),
                   clip_scale(norm, o->clip));
    return reducer_share(t->sum, t->m->block);
}

/* One step; ERR_STOPPED: a rank was asked to stop, and the step has not been taken. Collective. */
static err take_step(classifier *t, double *loss) {
    int64_t step = t->k.step;
    shuffle(t, step / t->epoch_steps);
    slice x = slice_of(t, step);
    CALL(gradient(t, &x, loss));
    CALL(update(t, *loss));
    t->recent[step % t->tenth] = *loss;
    if (step < t->tenth)
        t->reals[FIRST] += *loss;
    for (int i = 0; i < x.n; i++)
        t->counts[TOKENS] += t->x->offset[x.rows[i] + 1] - t->x->offset[x.rows[i]];
    t->k.step = step + 1;
    return OK;
}

/* --- the run ---------------------------------------------------------------------------------- */

/* Held-out loss, if this is a step for it. Collective. */
static err evaluate(classifier *t) {
    double loss;
    int due = t->k.step % t->evaluate_every == 0 || t->k.step == t->steps;
    if (t->held.rows == NULL || !due || t->out->diverged)
        return OK;
    optimiser_settle(t->opt, own(t));
    CALL(heldout_loss(&t->held, t->ws, t->m, &loss));
    t->out->diverged = divergence_heldout(&t->watch, loss);
    early_stop_see(&t->stop, t->k.step, loss, own(t));
    return OK;
}

/* Asked to stop: keep what is done. Collective; returns the error that says so. */
static err leave(classifier *t, err asked) {
    CALL(save(t));
    return t->k.path != NULL ? asked
                             : err_prefix(asked, "no checkpoint is kept: it will start over");
}

/* Steps until the end, divergence or a stop. Collective. */
static err run(classifier *t, const train_place *place, monitor *mon) {
    while (t->k.step < t->steps && !t->out->diverged && !early_stop_over(&t->stop)) {
        double loss = 0.0;
        int64_t step = t->k.step, tokens = t->counts[TOKENS];
        int pause = place->pause_at > 0 && step == place->pause_at;
        err e = pause || (step > t->resumed && step == place->interrupt_at)
                    ? err_raise(ERR_STOPPED, __FILE__, __LINE__, "interrupted at step %lld",
                                (long long)step)
                    : take_step(t, &loss);
        if (e == ERR_STOPPED)
            return leave(t, e);
        CALL(e);
        if (mon != NULL) {
            mon->tokens += t->counts[TOKENS] - tokens;
            monitor_step(mon, t->k.step, loss);
        }
        CALL(evaluate(t));
        int due = t->due || (place->every > 0 && t->k.step % place->every == 0);
        if (due && t->k.step < t->steps && !t->out->diverged)
            CALL(save(t));
    }
    return OK;
}

static double mean(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* The best weights, and what is to be told. Collective. */
static err finish(classifier *t) {
    train_result *out = t->out;
    const early_stop *s = &t->stop;
    int64_t steps = t->k.step, seen = steps < t->tenth ? steps : t->tenth;
    size_t first, n;
    optimiser_settle(t->opt, own(t));
    out->steps = steps;
    out->tokens = t->counts[TOKENS];
    out->restarts = t->k.restarts;
    out->fallen_back = t->k.fallen_back;
    out->first_loss = t->reals[FIRST] / (double)seen;
    out->last_loss = mean(t->recent, seen);
    /* runs too short for the window, and a last step that overflowed */
    if (out->last_loss > t->watch.limit || !isfinite(gradient_norm(t->m->block, t->m->n)))
        out->diverged = 1;
    if (s->patience == 0)
        return OK;
    out->stopped_early = steps < t->steps && !out->diverged;
    out->evaluations = s->evaluations;
    out->best_step = s->best_step;
    out->best_loss = s->evaluations > 0 ? s->best_loss : (double)NAN;
    if (out->diverged || s->best_step == steps)
        return OK;
    reducer_range(t->sum, &first, &n);
    memcpy(own(t), s->best, n * sizeof *s->best);
    return reducer_share(t->sum, t->m->block);
}

err train_classifier(const par *group, encoder *m, const finetune_options *o, const examples *x,
                     const examples *heldout, const train_place *place, monitor *mon,
                     train_result *out) {
    static const train_place nowhere = {0};
    classifier t = {.group = group, .m = m, .o = o, .x = x, .out = out};
    err e;
    place = place != NULL ? place : &nowhere;
    *out = (train_result){.best_loss = (double)NAN};
    e = classifier_open(&t, heldout);
    if (e == OK)
        e = checkpoint_open(&t, place);
    TRY(par_agree(group, e));
    TRY(resume(&t));
    if (mon != NULL) {
        mon->total = t.steps;
        mon->before = t.k.step;
    }
    t.seconds = place->checkpoint != NULL ? place->seconds : 0;
    t.kept = clock_now();
    TRY(run(&t, place, mon));
    TRY(finish(&t));
done:
    classifier_close(&t);
    return e;
}
