#include "base/arena.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "par/preempt.h"
#include "train/checkpoint.h"
#include "train/clip.h"
#include "train/divergence.h"
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

/* the rank that reads and writes the checkpoint */
enum { KEEPER = 0 };

typedef struct run {
    const par *p;
    encoder *m;
    const pretrain_options *o;
    uint64_t seed;
    const examples *x;
    const char *checkpoint; /* NULL: none */
    mlm *objective;
    optimiser *opt;
    float *grads;   // a block of m's layout
    int32_t *rows;  // (x->n) the held-out rows, then the training rows in ascending order
    int32_t *order; // (n_train) training rows in this epoch's order
    int n_heldout, n_train, B;
    int64_t epoch_steps, steps;
    divergence watch;
    checkpoint_state s;
} run;

static void run_close(run *r) {
    mlm_destroy(&r->objective);
    optimiser_destroy(&r->opt);
    free(r->grads);
    free(r->rows);
    free(r->order);
}

static int ascending(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* a checkpoint fits a run only if all that determines the run's bytes is the same */
static err identify(run *r, const tokenizer *w) {
    const encoder_config *c = &r->m->c;
    const pretrain_options *o = r->o;
    const examples *x = r->x;
    strbuf b = {0};
    err e = strbuf_printf(
        &b, "%d %d %d %d %d %d %d %d %a|%lld %lld %a %a %a %a %a %a|%llu %d %d %d|%llx %llx", c->V,
        c->H, c->L, c->A, c->F, c->P, c->Y, c->K, (double)c->norm_eps, (long long)o->epochs,
        (long long)o->batch, o->learning_rate, o->warmup, o->weight_decay, o->clip, o->dropout,
        o->mask, (unsigned long long)r->seed, w->V, (int)w->mask, x->n,
        (unsigned long long)hash_u64(x->ids, (size_t)x->offset[x->n] * sizeof *x->ids),
        (unsigned long long)hash_u64(r->m->block, r->m->n * sizeof *r->m->block));
    if (e == OK)
        r->s.run = (int64_t)hash_u64(b.text, b.len);
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
    CALL(mem_alloc(r->m->n, sizeof *r->grads, &r->grads));
    for (int32_t i = 0; i < x->n; i++)
        r->rows[i] = i;
    rng_stream s = rng_open(r->seed, RNG_SPLIT, 0, 0);
    rng_shuffle(&s, r->rows, x->n);
    qsort(r->rows, (size_t)r->n_heldout, sizeof *r->rows, ascending);
    qsort(r->rows + r->n_heldout, (size_t)r->n_train, sizeof *r->rows, ascending);
    masking k;
    CALL(masking_make(w, r->seed, o->mask, &k));
    CALL(mlm_create(r->p, &r->m->c, x, &k, r->B, &r->objective));
    optimiser_rule rule = optimiser_adamw(o->weight_decay);
    CALL(optimiser_create(&r->m->c, &rule, 0, r->m->n, &r->opt));
    return r->checkpoint != NULL ? identify(r, w) : OK;
}

/* Take up the checkpoint if there is one; *resumed says so. Collective. */
static err run_resume(run *r, int *resumed) {
    err mine = OK;
    *resumed = 0;
    if (r->checkpoint == NULL)
        return OK;
    if (r->p->rank == KEEPER && path_exists(r->checkpoint)) {
        mine = checkpoint_load(r->checkpoint, r->s.run, &r->s, r->m->block, r->opt);
        *resumed = mine == OK;
    }
    CALL(par_agree(r->p, mine));
    CALL(par_bcast(r->p, resumed, sizeof *resumed, KEEPER));
    if (!*resumed)
        return OK;
    size_t bytes = r->m->n * sizeof *r->m->block;
    CALL(par_bcast(r->p, &r->s, sizeof r->s, KEEPER));
    CALL(par_bcast(r->p, r->m->block, bytes, KEEPER));
    CALL(par_bcast(r->p, r->opt->m, bytes, KEEPER));
    CALL(par_bcast(r->p, r->opt->v, bytes, KEEPER));
    r->opt->step = r->s.updates;
    r->watch.history = (uint32_t)r->s.history;
    return OK;
}

/* Collective. */
static err run_save(run *r) {
    err mine = OK;
    r->s.updates = r->opt->step;
    r->s.history = r->watch.history;
    if (r->p->rank == KEEPER)
        mine = checkpoint_save(r->checkpoint, &r->s, r->m->block, r->opt);
    return par_agree(r->p, mine);
}

/* the order of an epoch is a function of (seed, epoch), not of the epochs before it */
static void shuffle(run *r, uint32_t epoch) {
    for (int i = 0; i < r->n_train; i++)
        r->order[i] = r->rows[r->n_heldout + i];
    rng_stream s = rng_open(r->seed, RNG_SHUFFLE, epoch, 0);
    rng_shuffle(&s, r->order, r->n_train);
}

/* One step; a batch in which nothing is masked changes nothing but the count of steps. loss: mean,
 * NaN for such a batch. Collective. */
static err run_step(run *r, double *loss, int *diverged) {
    const pretrain_options *o = r->o;
    int64_t step = r->s.step;
    uint32_t epoch = (uint32_t)(step / r->epoch_steps);
    int first = (int)(step % r->epoch_steps) * r->B;
    int B = r->n_train - first < r->B ? r->n_train - first : r->B;
    dropout drop = {.seed = r->seed, .hidden = (float)o->dropout, .attention = (float)o->dropout};
    mlm_sum sum;
    CALL(mlm_gradient(r->objective, r->m, r->order + first, B, epoch, o->dropout > 0 ? &drop : NULL,
                      r->grads, &sum));
    r->s.step++;
    r->s.tokens += sum.tokens;
    *loss = sum.loss / (double)sum.masked;
    if (sum.masked == 0)
        return OK;
    double norm = sum.overflow ? (double)INFINITY : gradient_norm(r->grads, r->m->n);
    *diverged = divergence_seen(&r->watch, *loss, norm);
    if (!*diverged)
        optimiser_step(r->opt, r->m->block, r->grads,
                       schedule_rate(SCHEDULE_LINEAR, step, r->steps, o->warmup, o->learning_rate),
                       clip_scale(norm, o->clip));
    return OK;
}

/* Steps until the end, divergence or a stop. Collective. */
static err run_steps(run *r, int64_t every, monitor *mon, int *diverged) {
    uint32_t ordered = UINT32_MAX; /* the epoch that order holds */
    while (r->s.step < r->steps && !*diverged) {
        uint32_t epoch = (uint32_t)(r->s.step / r->epoch_steps);
        if (epoch != ordered)
            shuffle(r, ordered = epoch);
        double loss;
        CALL(run_step(r, &loss, diverged));
        if (mon != NULL)
            monitor_step(mon, r->s.step, loss);
        if (r->s.step == r->steps || *diverged)
            break;
        int saved = r->checkpoint != NULL && every > 0 && r->s.step % every == 0;
        if (saved)
            CALL(run_save(r));
        err asked = preempt_agree(r->p);
        if (asked != OK && !saved && r->checkpoint != NULL)
            CALL(run_save(r));
        CALL(asked);
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
             const examples *x, const char *checkpoint, int64_t every, monitor *mon,
             pretrain_result *out) {
    run r = {.p = p, .m = m, .o = o, .seed = seed, .x = x, .checkpoint = checkpoint};
    int resumed;
    err e;
    *out = (pretrain_result){.heldout_last = (double)NAN};
    TRY(par_agree(p, run_open(&r, w)));
    TRY(run_resume(&r, &resumed));
    if (!resumed)
        TRY(heldout(&r, &r.s.heldout_first));
    if (mon != NULL)
        monitor_begin(mon, "pre-training", "steps", r.steps);
    TRY(run_steps(&r, every, mon, &out->diverged));
    if (mon != NULL)
        monitor_end(mon);
    out->steps = r.s.step;
    out->tokens = r.s.tokens;
    out->heldout_first = r.s.heldout_first;
    /* a last step that overflowed shows in the weights, too late for a loss */
    if (!isfinite(gradient_norm(m->block, m->n)))
        out->diverged = 1;
    if (!out->diverged)
        TRY(heldout(&r, &out->heldout_last));
done:
    run_close(&r);
    return e;
}
