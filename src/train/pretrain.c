#include "base/arena.h"
#include "base/rng.h"
#include "io/hash.h"
#include "train/checkpoint.h"
#include "train/clip.h"
#include "train/divergence.h"
#include "train/identity.h"
#include "train/mlm.h"
#include "train/optimiser.h"
#include "train/schedule.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>

/* held out: one sequence in 50, but 8 (or half) of a small corpus, so that some token of them is
 * masked; their masks are those of an epoch that no run reaches */
enum { HELDOUT_EVERY = 50, HELDOUT_LEAST = 8 };
static const uint32_t HELDOUT_EPOCH = UINT32_MAX;

/* what a checkpoint keeps besides arrays, in this order */
enum { UPDATES, TOKENS, HISTORY, COUNTS };

typedef struct run {
    const par *p;
    encoder *m;
    const pretrain_options *o;
    uint64_t seed;
    const examples *x;
    mlm *objective;
    reducer *sum;
    optimiser *opt;
    int32_t *rows;  // (x->n) the held-out rows, then the training rows in ascending order
    int32_t *order; // (n_train) training rows in this epoch's order
    int n_heldout, n_train, B;
    int64_t epoch_steps, steps;
    divergence watch;
    double heldout_first; /* nats; NaN if nothing was masked */
    int64_t counts[COUNTS];
    checkpoint_file k;
    int64_t resumed; /* the step it was taken up at; 0: from the start */
} run;

static void run_close(run *r) {
    mlm_destroy(&r->objective);
    reducer_destroy(&r->sum);
    optimiser_destroy(&r->opt);
    free(r->rows);
    free(r->order);
}

static int ascending(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static err identify(run *r, const tokenizer *w) {
    const pretrain_options *o = r->o;
    strbuf b = {0};
    err e;
    TRY(strbuf_printf(&b, "pretrain %lld %lld %lld %a %a %a %a %a %a %llu %d %d|",
                      (long long)o->epochs, (long long)o->batch, (long long)o->shards,
                      o->learning_rate, o->warmup, o->weight_decay, o->clip, o->dropout, o->mask,
                      (unsigned long long)r->seed, w->V, (int)w->mask));
    TRY(identity_encoder(r->m, &b));
    TRY(identity_examples(r->x, &b));
    r->k.run = (int64_t)hash_u64(b.text, b.len);
done:
    strbuf_free(&b);
    return e;
}

static err run_open(run *r, const tokenizer *w) {
    const examples *x = r->x;
    const pretrain_options *o = r->o;
    CHECK(r->m->c.mlm, ERR_FAILED, "pre-training needs a model with a masked-language head");
    CHECK(x->n >= 2, ERR_DATA,
          "pre-training needs at least two sequences, one to learn from and one to hold out; the "
          "corpus has %d",
          x->n);
    int least = x->n / 2 < HELDOUT_LEAST ? x->n / 2 : HELDOUT_LEAST;
    r->n_heldout = x->n / HELDOUT_EVERY > least ? x->n / HELDOUT_EVERY : least;
    r->n_train = x->n - r->n_heldout;
    r->B = o->batch < r->n_train ? (int)o->batch : r->n_train;
    r->epoch_steps = (r->n_train + r->B - 1) / r->B;
    r->steps = o->epochs * r->epoch_steps;
    r->watch = divergence_watch(r->m->c.V);
    CALL(mem_alloc((size_t)x->n, sizeof *r->rows, &r->rows));
    CALL(mem_alloc((size_t)x->n, sizeof *r->order, &r->order));
    for (int32_t i = 0; i < x->n; i++)
        r->rows[i] = i;
    rng_stream s = rng_open(r->seed, RNG_SPLIT, 0, 0);
    rng_shuffle(&s, r->rows, x->n);
    qsort(r->rows, (size_t)r->n_heldout, sizeof *r->rows, ascending);
    qsort(r->rows + r->n_heldout, (size_t)r->n_train, sizeof *r->rows, ascending);
    masking k;
    CALL(masking_make(w, r->seed, o->mask, &k));
    CALL(mlm_create(r->p, &r->m->c, x, &k, r->B, &r->objective));
    CALL(reducer_create(r->p, &r->m->c, (int)o->shards, 0, &r->sum));
    size_t first, n;
    optimiser_rule rule = optimiser_adamw(o->weight_decay);
    reducer_range(r->sum, &first, &n);
    return optimiser_create(&r->m->c, &rule, first, n, &r->opt);
}

static err checkpoint_open(run *r, const train_place *place, const tokenizer *w) {
    size_t n = r->m->n;
    r->k.r = r->sum;
    r->k.path = place->checkpoint;
    r->k.fields = 5;
    r->k.field[0] = (checkpoint_field){"parameters", CHECKPOINT_BLOCK, r->m->block, n};
    r->k.field[1] = (checkpoint_field){"m", CHECKPOINT_RANGE, r->opt->m, n};
    r->k.field[2] = (checkpoint_field){"v", CHECKPOINT_RANGE, r->opt->v, n};
    r->k.field[3] = (checkpoint_field){"heldout", CHECKPOINT_REALS, &r->heldout_first, 1};
    r->k.field[4] = (checkpoint_field){"counts", CHECKPOINT_COUNTS, r->counts, COUNTS};
    return r->k.path != NULL && r->p->rank == CHECKPOINT_KEEPER ? identify(r, w) : OK;
}

/* Take up the checkpoint if there is one; *there says so. Collective. */
static err run_resume(run *r, int *there) {
    CALL(checkpoint_resume(&r->k, there));
    if (!*there)
        return OK;
    r->opt->step = r->counts[UPDATES];
    r->watch.history = (uint32_t)r->counts[HISTORY];
    r->resumed = r->k.step;
    return OK;
}

/* Collective. */
static err run_save(run *r) {
    r->counts[UPDATES] = r->opt->step;
    r->counts[HISTORY] = r->watch.history;
    return checkpoint_save(&r->k);
}

/* the order of an epoch is a function of (seed, epoch), not of the epochs before it */
static void shuffle(run *r, uint32_t epoch) {
    for (int i = 0; i < r->n_train; i++)
        r->order[i] = r->rows[r->n_heldout + i];
    rng_stream s = rng_open(r->seed, RNG_SHUFFLE, epoch, 0);
    rng_shuffle(&s, r->order, r->n_train);
}

/* Divergence watch, clipping and the optimiser, each rank on its range. Collective. */
static err update(run *r, double loss, int *diverged) {
    const pretrain_options *o = r->o;
    float *sum;
    double norm;
    size_t first, n;
    CALL(reducer_sum(r->sum, &sum));
    CALL(reducer_norm(r->sum, sum, &norm));
    *diverged = divergence_seen(&r->watch, loss, norm);
    if (*diverged)
        return OK;
    reducer_range(r->sum, &first, &n);
    optimiser_step(r->opt, r->m->block + first, sum, reducer_rows(r->sum),
                   schedule_rate(SCHEDULE_LINEAR, r->k.step, r->steps, o->warmup, o->learning_rate),
                   clip_scale(norm, o->clip));
    return reducer_share(r->sum, r->m->block);
}

/* One step; a batch in which nothing is masked changes nothing but the count of steps. loss: mean,
 * NaN for such a batch. ERR_STOPPED: a rank was asked to stop, and the step has not been taken.
 * Collective. */
static err run_step(run *r, double *loss, int *diverged) {
    const pretrain_options *o = r->o;
    int64_t step = r->k.step;
    uint32_t epoch = (uint32_t)(step / r->epoch_steps);
    int first = (int)(step % r->epoch_steps) * r->B;
    int B = r->n_train - first < r->B ? r->n_train - first : r->B;
    dropout drop = {.seed = r->seed, .hidden = (float)o->dropout, .attention = (float)o->dropout};
    mlm_sum sum;
    CALL(mlm_gradient(r->objective, r->sum, r->m, r->order + first, B, (int)o->shards, epoch,
                      o->dropout > 0 ? &drop : NULL, &sum));
    *loss = sum.loss / (double)sum.masked;
    if (sum.masked > 0)
        CALL(update(r, *loss, diverged));
    r->k.step = step + 1;
    r->counts[TOKENS] += sum.tokens;
    return OK;
}

/* Asked to stop: keep what is done. Collective; returns the error that says so. */
static err leave(run *r, err asked) {
    CALL(run_save(r));
    return asked;
}

/* Steps until the end, divergence or a stop. Collective. */
static err run_steps(run *r, const train_place *place, monitor *mon, int *diverged) {
    uint32_t ordered = UINT32_MAX; /* the epoch that order holds */
    while (r->k.step < r->steps && !*diverged) {
        int64_t step = r->k.step, tokens = r->counts[TOKENS];
        uint32_t epoch = (uint32_t)(step / r->epoch_steps);
        double loss = 0.0;
        if (epoch != ordered)
            shuffle(r, ordered = epoch);
        err e = step > r->resumed && step == place->interrupt_at
                    ? err_raise(ERR_STOPPED, __FILE__, __LINE__, "interrupted at step %lld",
                                (long long)step)
                    : run_step(r, &loss, diverged);
        if (e == ERR_STOPPED)
            return leave(r, e);
        CALL(e);
        if (mon != NULL) {
            mon->tokens += r->counts[TOKENS] - tokens;
            monitor_step(mon, r->k.step, loss);
        }
        if (place->every > 0 && r->k.step % place->every == 0 && r->k.step < r->steps && !*diverged)
            CALL(run_save(r));
    }
    return OK;
}

/* Mean masked loss of the held-out sequences, nats. Collective. */
static err heldout(run *r, double *loss) {
    mlm_sum sum;
    CALL(mlm_loss(r->objective, r->m, r->rows, r->n_heldout, HELDOUT_EPOCH, &sum));
    *loss = sum.loss / (double)sum.masked;
    return OK;
}

err pretrain(const par *p, encoder *m, const pretrain_options *o, uint64_t seed, const tokenizer *w,
             const examples *x, const train_place *place, monitor *mon, pretrain_result *out) {
    static const train_place nowhere = {0};
    run r = {.p = p, .m = m, .o = o, .seed = seed, .x = x};
    int resumed;
    err e;
    place = place != NULL ? place : &nowhere;
    *out = (pretrain_result){.heldout_last = (double)NAN};
    e = run_open(&r, w);
    if (e == OK)
        e = checkpoint_open(&r, place, w);
    TRY(par_agree(p, e));
    TRY(run_resume(&r, &resumed));
    if (!resumed)
        TRY(heldout(&r, &r.heldout_first));
    if (mon != NULL) {
        monitor_begin(mon, "pre-training", "steps", r.steps);
        mon->before = r.k.step;
    }
    TRY(run_steps(&r, place, mon, &out->diverged));
    if (mon != NULL)
        monitor_end(mon);
    out->steps = r.k.step;
    out->tokens = r.counts[TOKENS];
    out->heldout_first = r.heldout_first;
    /* a last step that overflowed shows in the weights, too late for a loss */
    if (!isfinite(gradient_norm(m->block, m->n)))
        out->diverged = 1;
    if (!out->diverged)
        TRY(heldout(&r, &out->heldout_last));
done:
    run_close(&r);
    return e;
}
