#include "sweep/sweep.h"

#include "base/arena.h"
#include "base/clock.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "work/units.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *STAGE = "finetune";

/* what the units of a sweep share on one rank */
typedef struct sweeper {
    const sweep *s;
    double *seconds;  // (s->n) of the variants trained here
    int64_t *trainer; // (s->n) rank + 1 where trained here
    /* where lost models are made again: */
    const int64_t *lost;   // (units) which variant a unit is; NULL: unit i is variant i
    char *const *recorded; // (s->n) what must come out
} sweeper;

/* --- one variant ------------------------------------------------------------------------------ */

static err start(const sweep *s, const variant *v, encoder **out) {
    if (s->start_dir != NULL && strcmp(v->o.init, "random") != 0) {
        encoder_want want = {.classes = s->K, .mlm = 0, .seed = s->seed};
        CALL(encoder_load(s->start_dir, want, out));
    } else {
        encoder_config shape = s->shape;
        shape.K = s->K;
        shape.mlm = 0;
        CALL(encoder_create(&shape, out));
        encoder_init(*out, s->seed);
    }
    for (int k = 0; k < s->K; k++)
        snprintf((*out)->c.label[k], sizeof(*out)->c.label[k], "%s", s->label[k]);
    return OK;
}

/* Remove a folder of plain files, if it is there: what an interrupted publication left behind. */
static err folder_remove(const char *path) {
    DIR *d = opendir(path);
    if (d == NULL)
        return OK;
    err e = OK;
    for (struct dirent *f = readdir(d); f != NULL && e == OK; f = readdir(d)) {
        char file[4096];
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
            continue;
        e = path_join(file, path, f->d_name);
        if (e == OK)
            unlink(file);
    }
    closedir(d);
    CALL(e);
    CHECK(rmdir(path) == 0, ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
    return OK;
}

/* A model is written beside its place and renamed, so that a kill leaves none or all of it. One
 * that is there already has no record and is replaced by the same bytes. */
static err publish(const sweep *s, const variant *v, const encoder *m) {
    char name[VARIANT_NAME_BYTES + 8], tmp[4096], path[4096];
    snprintf(name, sizeof name, ".%s.tmp", v->name);
    CALL(path_join(tmp, s->models_dir, name));
    CALL(path_join(path, s->models_dir, v->name));
    CALL(folder_remove(tmp));
    CALL(encoder_save(m, tmp, s->vocab));
    CALL(folder_remove(path));
    return atomic_publish(tmp, path);
}

static json_t *real_or_null(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

/* One line: what was found about a variant, without who found it and how fast. */
static err record_write(const variant *v, const sweep_result *r, strbuf *out) {
    json_t *j =
        json_pack("{ss si sI sI so so sI sI so}", "name", v->name, "diverged", r->train.diverged,
                  "steps", (json_int_t)r->train.steps, "tokens", (json_int_t)r->train.tokens,
                  "first_loss", real_or_null(r->train.first_loss), "last_loss",
                  real_or_null(r->train.last_loss), "n", (json_int_t)r->heldout.n, "correct",
                  (json_int_t)r->heldout.correct, "loss", real_or_null(r->heldout.loss));
    char *text = j != NULL ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(j);
    CHECK(text != NULL, ERR_FAILED, "no memory for the record of variant %s", v->name);
    err e = strbuf_add(out, text, strlen(text));
    free(text);
    return e;
}

/* Train m; the time it took stays on this rank. */
static err train(sweeper *w, int64_t i, encoder *m, train_result *out) {
    const sweep *s = w->s;
    const variant *v = &s->variants[i];
    const par alone = par_alone(); /* a variant is trained by one rank */
    monitor mon;
    double began = clock_now();
    monitor_begin(&mon, v->name, "steps", 0);
    CALL(train_classifier(&alone, m, &v->o, s->train, s->heldout, NULL, &mon, out));
    monitor_end(&mon);
    w->seconds[i] = clock_now() - began;
    w->trainer[i] = s->p->rank + 1;
    return OK;
}

/* One unit: train, measure, publish. The record is journalled after that. */
static err tune(void *state, int64_t unit, strbuf *record) {
    sweeper *w = state;
    const sweep *s = w->s;
    int64_t i = w->lost != NULL ? w->lost[unit] : unit;
    const variant *v = &s->variants[i];
    encoder *m = NULL;
    sweep_result r = {0};
    err e;
    TRY(start(s, v, &m));
    TRY(train(w, i, m, &r.train));
    if (!r.train.diverged)
        TRY(accuracy_local(m, s->heldout, &r.heldout));
    TRY(record_write(v, &r, record));
    ENSURE(w->lost == NULL || strcmp(record->text, w->recorded[i]) == 0, ERR_DATA,
           "its model was lost and does not come out as recorded (another program, processor or "
           "data): remove the study's folder to start over");
    if (!r.train.diverged)
        TRY(publish(s, v, m));
done:
    encoder_destroy(&m);
    return e == OK ? OK : err_prefix(e, "variant %s", v->name);
}

/* --- all variants ----------------------------------------------------------------------------- */

static err real_or_nan(const json_t *j, const char *what, const char *key, double *out) {
    *out = (double)NAN;
    return json_is_null(json_object_get(j, key)) ? OK : json_get_real(j, what, key, out);
}

static err record_fields(const json_t *j, const char *what, const variant *v, sweep_result *r) {
    const char *name;
    int64_t diverged;
    CALL(json_get_text(j, what, "name", &name));
    CHECK(strcmp(name, v->name) == 0, ERR_DATA,
          "%s: is of variant %s: the journal belongs to another sweep, remove the study's folder",
          what, name);
    CALL(json_get_int(j, what, "diverged", 0, 1, &diverged));
    r->train.diverged = (int)diverged;
    CALL(json_get_int(j, what, "steps", 0, INT64_MAX, &r->train.steps));
    CALL(json_get_int(j, what, "tokens", 0, INT64_MAX, &r->train.tokens));
    CALL(real_or_nan(j, what, "first_loss", &r->train.first_loss));
    CALL(real_or_nan(j, what, "last_loss", &r->train.last_loss));
    CALL(json_get_int(j, what, "n", 0, INT64_MAX, &r->heldout.n));
    CALL(json_get_int(j, what, "correct", 0, INT64_MAX, &r->heldout.correct));
    return real_or_nan(j, what, "loss", &r->heldout.loss);
}

static err record_read(const char *text, const variant *v, sweep_result *out) {
    char what[VARIANT_NAME_BYTES + 32];
    json_t *j;
    snprintf(what, sizeof what, "record of variant %s", v->name);
    CALL(json_parse(text, what, &j));
    *out = (sweep_result){.rank = -1};
    err e = record_fields(j, what, v, out);
    json_decref(j);
    return e;
}

/* order (n): the cost of a variant grows with its epochs; equal ones in list order. */
static void longest_first(const sweep *s, int64_t *order) {
    for (int i = 0; i < s->n; i++) {
        int j = i;
        while (j > 0 && s->variants[order[j - 1]].o.epochs < s->variants[i].o.epochs) {
            order[j] = order[j - 1];
            j--;
        }
        order[j] = i;
    }
}

/* Of the variants that have a record in records (n), those whose model is not there any more:
 * lost (n), *n_lost; the same on every rank. Collective. */
static err find_lost(const sweep *s, char *const *records, int64_t *lost, int64_t *n_lost) {
    err mine = OK;
    for (int i = 0; i < s->n && mine == OK; i++) {
        char path[4096];
        sweep_result r;
        lost[i] = 0;
        if (records[i] == NULL)
            continue;
        mine = record_read(records[i], &s->variants[i], &r);
        if (mine == OK && !r.train.diverged) {
            mine = path_join(path, s->models_dir, s->variants[i].name);
            lost[i] = mine == OK && !path_exists(path);
        }
    }
    CALL(par_agree(s->p, mine));
    CALL(par_max_i64(s->p, lost, (size_t)s->n));
    *n_lost = 0;
    for (int i = 0; i < s->n; i++)
        if (lost[i])
            lost[(*n_lost)++] = i;
    return OK;
}

/* Make lost models again, off the journal: their records stand there. Collective. */
static err mend(sweeper *w, const int64_t *lost, int64_t n_lost, char *const *recorded) {
    units u = {.p = w->s->p, .stage = STAGE, .key = "", .noun = "variants", .n = n_lost};
    char **records = NULL;
    w->lost = lost;
    w->recorded = recorded;
    err e = units_run(&u, tune, w, &records);
    units_free(&records, n_lost);
    w->lost = NULL;
    return e;
}

/* Hand out what is missing, make again what was lost; records (n) of all variants. Collective. */
static err run_all(sweeper *w, int64_t *order, char ***records) {
    const sweep *s = w->s;
    units u = {.p = s->p,
               .dir = s->journal_dir,
               .stage = STAGE,
               .key = "",
               .noun = "variants",
               .n = s->n,
               .order = order};
    char **before = NULL;
    int64_t *lost = NULL, n_lost = 0;
    err e = mem_alloc((size_t)s->n, sizeof *lost, &lost);
    TRY(par_agree(s->p, e));
    if (s->journal_dir != NULL) {
        TRY(units_read(&u, &before));
        TRY(find_lost(s, before, lost, &n_lost));
    }
    if (n_lost > 0)
        TRY(mend(w, lost, n_lost, before));
    TRY(units_run(&u, tune, w, records));
done:
    units_free(&before, s->n);
    free(lost);
    return e;
}

err sweep_run(const sweep *s, sweep_result *results) {
    size_t n = (size_t)s->n;
    sweeper w = {.s = s};
    int64_t *order = NULL;
    char **records = NULL;
    err e = mem_alloc(n, sizeof *order, &order);
    if (e == OK)
        e = mem_alloc(n, sizeof *w.seconds, &w.seconds);
    if (e == OK)
        e = mem_alloc(n, sizeof *w.trainer, &w.trainer);
    if (e == OK)
        e = dir_make(s->models_dir);
    TRY(par_agree(s->p, e));
    longest_first(s, order);
    TRY(run_all(&w, order, &records));
    for (int i = 0; i < s->n && e == OK; i++)
        e = record_read(records[i], &s->variants[i], &results[i]);
    TRY(par_agree(s->p, e));
    TRY(par_max_f64(s->p, w.seconds, n));
    TRY(par_max_i64(s->p, w.trainer, n));
    for (int i = 0; i < s->n; i++) {
        results[i].seconds = w.seconds[i];
        results[i].rank = (int)w.trainer[i] - 1;
    }
done:
    units_free(&records, s->n);
    free(order);
    free(w.seconds);
    free(w.trainer);
    return e;
}
