#include "sweep/tune.h"

#include "base/clock.h"
#include "io/atomic_file.h"
#include "sweep/begun.h"
#include "sweep/cost.h"
#include "sweep/record.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    (*out)->c.p = s->shape.p; /* precision stands in no checkpoint */
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

err tune_checkpoint(const char *dir, const char *name, char out[4096]) {
    char file[VARIANT_NAME_BYTES + 16];
    snprintf(file, sizeof file, "%s.checkpoint", name);
    return path_join(out, dir, file);
}

err tune_drop(tuner *w) {
    if (w->checkpoint[0])
        CALL(checkpoint_remove(w->checkpoint));
    w->checkpoint[0] = '\0';
    return OK;
}

/* 1 for a variant that is worth going on with: m is as it is after the first epoch. Collective. */
static err promising(const sweep *s, const par *group, const variant *v, const encoder *m,
                     accuracy *heldout, int *yes) {
    int64_t count[ENCODER_MAX_CLASSES] = {0}, most = 0;
    CALL(accuracy_shared(group, m, s->heldout, heldout));
    for (int i = 0; i < s->heldout->n; i++) {
        int64_t of = ++count[s->heldout->label[i]];
        most = of > most ? of : most;
    }
    *yes = (double)heldout->correct >= (double)most + v->o.give_up_margin * (double)heldout->n;
    return OK;
}

/* what one variant's training works on */
typedef struct trial {
    const sweep *s;
    const par *group;
    const variant *v;
    train_place place;
    encoder *m;
    monitor mon;
    sweep_result r;
} trial;

static err train(trial *t) {
    return train_classifier(t->group, t->m, &t->v->o, t->s->train, t->s->heldout,
                            t->place.checkpoint != NULL ? &t->place : NULL, &t->mon, &t->r.train);
}

/* The first epoch, a look at it, the rest from its checkpoint. A start that finds the first epoch
 * behind it does not look again. Collective. */
static err train_if_promising(trial *t) {
    int yes;
    CHECK(t->place.checkpoint != NULL, ERR_FAILED, "to give up variants needs their checkpoints");
    int64_t epoch = cost_epoch_steps(&t->v->o, t->s->train->n);
    t->place.pause_at = epoch;
    err e = train(t);
    if (e != ERR_STOPPED || (t->mon.done != epoch && t->mon.before != epoch))
        return e;
    CALL(promising(t->s, t->group, t->v, t->m, &t->r.heldout, &yes));
    if (!yes) {
        t->r.given_up = 1;
        t->r.train = (train_result){.diverged = 1,
                                    .steps = epoch,
                                    .first_loss = (double)NAN,
                                    .last_loss = (double)NAN,
                                    .best_loss = (double)NAN};
        return OK;
    }
    t->place.pause_at = 0;
    encoder_destroy(&t->m); /* a checkpoint belongs to what training began with */
    CALL(par_agree(t->group, start(t->s, t->v, &t->m)));
    return train(t);
}

/* Train; the time it took stays on this rank. Collective. */
static err train_timed(tuner *w, trial *t, int64_t i) {
    const sweep *s = t->s;
    char checkpoint[4096];
    if (s->checkpoints_dir != NULL) {
        CALL(tune_checkpoint(s->checkpoints_dir, t->v->name, checkpoint));
        t->place =
            (train_place){.checkpoint = checkpoint, .seconds = (double)t->v->o.checkpoint_every};
    }
    double began = clock_now();
    monitor_begin(&t->mon, t->v->name, "steps", 0);
    err e = t->v->o.give_up_margin > 0 && t->v->o.epochs > 1 ? train_if_promising(t) : train(t);
    double seconds = clock_now() - began;
    w->training += seconds;
    CALL(e);
    monitor_end(&t->mon);
    if (!par_first(t->group))
        return OK;
    w->seconds[i] = seconds;
    w->trainer[i] = s->p->rank + 1;
    w->ranks[i] = t->group->size;
    if (s->checkpoints_dir != NULL)
        memcpy(w->checkpoint, checkpoint, sizeof w->checkpoint);
    return OK;
}

/* Collective over group. */
static err tune_variant(tuner *w, const par *group, int64_t i, strbuf *record) {
    const sweep *s = w->s;
    trial t = {.s = s, .group = group, .v = &s->variants[i]};
    err e;
    TRY(par_agree(group, start(s, t.v, &t.m)));
    TRY(train_timed(w, &t, i));
    if (!t.r.train.diverged)
        TRY(accuracy_shared(group, t.m, s->heldout, &t.r.heldout));
    TRY(par_agree(group, record_write(t.v, &t.r, record)));
    ENSURE(w->recorded == NULL || strcmp(record->text, w->recorded[i]) == 0, ERR_DATA,
           "its model was lost and does not come out as recorded (another program, processor or "
           "data): remove the study's folder to start over");
    if (!t.r.train.diverged)
        TRY(par_agree(group, par_first(group) ? publish(s, t.v, t.m) : OK));
done:
    encoder_destroy(&t.m);
    return e;
}

err tune(void *state, const par *group, int64_t unit, strbuf *record) {
    tuner *w = state;
    int64_t i = w->some != NULL ? w->some[unit] : unit;
    const char *name = w->s->variants[i].name;
    int marks = par_first(group) && w->begun != NULL;
    double began = clock_now(), trained = w->training;
    err e = tune_drop(w);
    if (e == OK && marks)
        e = begun_begin(w->begun, name);
    e = par_agree(group, e);
    if (e == OK)
        e = tune_variant(w, group, i, record);
    if (e == ERR_STOPPED && marks && begun_leave(w->begun, name) != OK)
        e = ERR_STOPPED; /* without the mark it only comes later at the next start */
    w->other += clock_now() - began - (w->training - trained);
    return e == OK ? OK : err_prefix(e, "variant %s", name);
}
