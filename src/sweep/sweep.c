#include "sweep/sweep.h"

#include "base/arena.h"
#include "base/clock.h"
#include "io/atomic_file.h"
#include "sweep/begun.h"
#include "sweep/cost.h"
#include "sweep/record.h"
#include "sweep/tune.h"
#include "train/checkpoint.h"
#include "work/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* everything that has an entry a variant */
typedef struct plan {
    const sweep *s;
    tuner w;
    const char **names;
    int64_t *order, *ranks, *tries;
    /* a part of the variants, in list order: */
    int64_t *some, *some_order, *some_ranks;
    const char **some_names;
    int n_some;
} plan;

static void plan_close(plan *p) {
    journal_close(&p->w.begun);
    free(p->w.seconds);
    free(p->w.trainer);
    free(p->w.ranks);
    free(p->names);
    free(p->order);
    free(p->ranks);
    free(p->tries);
    free(p->some);
    free(p->some_order);
    free(p->some_ranks);
    free(p->some_names);
}

/* longest first; only the ratios matter, so an assumed speed will do */
static err put_in_order(plan *p) {
    const sweep *s = p->s;
    cost_rates rates = cost_assume(&s->shape);
    double *seconds = NULL;
    CALL(mem_alloc((size_t)s->n, sizeof *seconds, &seconds));
    for (int i = 0; i < s->n; i++)
        seconds[i] = cost_variant(&rates, &s->variants[i].o, s->train, 0).seconds;
    cost_order(seconds, s->n, p->order);
    free(seconds);
    return OK;
}

static err plan_open(plan *p) {
    const sweep *s = p->s;
    size_t n = (size_t)s->n;
    CALL(mem_alloc(n, sizeof *p->w.seconds, &p->w.seconds));
    CALL(mem_alloc(n, sizeof *p->w.trainer, &p->w.trainer));
    CALL(mem_alloc(n, sizeof *p->w.ranks, &p->w.ranks));
    CALL(mem_alloc(n, sizeof *p->names, &p->names));
    CALL(mem_alloc(n, sizeof *p->order, &p->order));
    CALL(mem_alloc(n, sizeof *p->ranks, &p->ranks));
    CALL(mem_alloc(n, sizeof *p->tries, &p->tries));
    CALL(mem_alloc(n, sizeof *p->some, &p->some));
    CALL(mem_alloc(n, sizeof *p->some_order, &p->some_order));
    CALL(mem_alloc(n, sizeof *p->some_ranks, &p->some_ranks));
    CALL(mem_alloc(n, sizeof *p->some_names, &p->some_names));
    for (int i = 0; i < s->n; i++) {
        p->names[i] = s->variants[i].name;
        p->ranks[i] = s->variants[i].o.ranks_per_variant;
    }
    p->w.s = s;
    CALL(dir_make(s->models_dir));
    if (s->checkpoints_dir != NULL)
        CALL(dir_make(s->checkpoints_dir));
    if (s->journal_dir != NULL)
        CALL(begun_open(s->journal_dir, s->p->rank, &p->w.begun));
    return put_in_order(p);
}

static units units_of_all(const plan *p) {
    return (units){.p = p->s->p,
                   .dir = p->s->journal_dir,
                   .stage = "finetune",
                   .key = "",
                   .noun = "variants",
                   .n = p->s->n,
                   .order = p->order,
                   .names = p->names,
                   .ranks = p->ranks};
}

/* Take variant i into the part (those before it are in or out already). */
static void choose(plan *p, int i) {
    p->some_names[p->n_some] = p->names[i];
    p->some_ranks[p->n_some] = p->ranks[i];
    p->some[p->n_some++] = i;
}

/* The chosen ones as units, longest first. */
static units units_of_some(plan *p) {
    units u = units_of_all(p);
    int n = 0;
    for (int k = 0; k < p->s->n; k++)
        for (int j = 0; j < p->n_some; j++)
            if (p->some[j] == p->order[k])
                p->some_order[n++] = j;
    u.n = p->n_some;
    u.order = p->some_order;
    u.names = p->some_names;
    u.ranks = p->some_ranks;
    return u;
}

/* Run the chosen ones, and choose none. Collective. */
static err run_some(plan *p, int journalled, char *const *recorded) {
    units u = units_of_some(p);
    char **records = NULL;
    if (!journalled)
        u.dir = NULL;
    p->w.some = p->some;
    p->w.recorded = recorded;
    err e = units_run_groups(&u, tune, &p->w, &records);
    units_free(&records, u.n);
    p->w.some = NULL;
    p->w.recorded = NULL;
    p->n_some = 0;
    return e;
}

/* Of the variants that have a record in records (n), choose those whose model is not there any
 * more; the same on every rank. Collective. */
static err choose_lost(plan *p, char *const *records) {
    const sweep *s = p->s;
    err mine = OK;
    int64_t *lost = NULL;
    CALL(par_agree(s->p, mem_alloc((size_t)s->n, sizeof *lost, &lost)));
    for (int i = 0; i < s->n && mine == OK; i++) {
        char path[4096];
        sweep_result r;
        if (records[i] == NULL)
            continue;
        mine = record_read(records[i], &s->variants[i], &r);
        if (mine == OK && !r.train.diverged) {
            mine = path_join(path, s->models_dir, s->variants[i].name);
            lost[i] = mine == OK && !path_exists(path);
        }
    }
    err e = par_agree(s->p, mine);
    if (e == OK)
        e = par_max_i64(s->p, lost, (size_t)s->n);
    for (int i = 0; i < s->n && e == OK; i++)
        if (lost[i])
            choose(p, i);
    free(lost);
    return e;
}

/* First what was lost, off the journal: its records stand there. Then what was never begun, then
 * the rest: a variant that brought the program down once does not stand in the way of the others.
 * records (n) of all variants. Collective. */
static err run_all(plan *p, char ***records) {
    const sweep *s = p->s;
    units all = units_of_all(p);
    char **before = NULL;
    int tried = 0;
    err e;
    if (s->journal_dir != NULL) {
        TRY(units_read(&all, &before));
        TRY(choose_lost(p, before));
        if (p->n_some > 0)
            TRY(run_some(p, 0, before));
        TRY(begun_count(s->p, s->journal_dir, s->variants, s->n, p->tries));
        for (int i = 0; i < s->n; i++)
            tried += before[i] == NULL && p->tries[i] > 0;
        for (int i = 0; i < s->n && tried > 0; i++)
            if (before[i] == NULL && p->tries[i] <= 0)
                choose(p, i);
        if (p->n_some > 0)
            TRY(run_some(p, 1, NULL));
    }
    TRY(units_run_groups(&all, tune, &p->w, records));
done:
    units_free(&before, s->n);
    return e;
}

/* Checkpoints of variants that have a record: of the last ones, and what a kill left. */
static err drop_checkpoints(const sweep *s) {
    char path[4096];
    if (s->checkpoints_dir == NULL || !par_first(s->p))
        return OK;
    for (int i = 0; i < s->n; i++) {
        CALL(tune_checkpoint(s->checkpoints_dir, s->variants[i].name, path));
        CALL(checkpoint_remove(path));
    }
    rmdir(s->checkpoints_dir); /* stays if there is anything else in it */
    return OK;
}

static err share_results(plan *p, char *const *records, sweep_result *results) {
    const sweep *s = p->s;
    err e = OK;
    for (int i = 0; i < s->n && e == OK; i++)
        e = record_read(records[i], &s->variants[i], &results[i]);
    CALL(par_agree(s->p, e));
    CALL(par_max_f64(s->p, p->w.seconds, (size_t)s->n));
    CALL(par_max_i64(s->p, p->w.trainer, (size_t)s->n));
    CALL(par_max_i64(s->p, p->w.ranks, (size_t)s->n));
    for (int i = 0; i < s->n; i++) {
        results[i].seconds = p->w.seconds[i];
        results[i].rank = (int)p->w.trainer[i] - 1;
        results[i].ranks = (int)p->w.ranks[i];
    }
    return OK;
}

err sweep_run(const sweep *s, sweep_result *results, sweep_usage *usage) {
    plan p = {.s = s};
    char **records = NULL;
    sweep_usage used = {0};
    err e = plan_open(&p), counted;
    TRY(par_agree(s->p, e));
    double began = clock_now();
    e = run_all(&p, &records);
    if (e == OK || e == ERR_STOPPED) { /* agreed on */
        sweep_usage mine = {clock_now() - began, p.w.training, p.w.other};
        counted = usage_add(s->p, s->journal_dir, &mine, usage != NULL ? usage : &used);
        e = e == OK ? counted : e;
    }
    TRY(e);
    TRY(share_results(&p, records, results));
    TRY(par_agree(s->p, drop_checkpoints(s)));
done:
    units_free(&records, s->n);
    plan_close(&p);
    return e;
}
