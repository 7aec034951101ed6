#include "sweep/tune.h"

#include "base/clock.h"
#include "io/atomic_file.h"
#include "sweep/begun.h"
#include "sweep/cost.h"
#include "sweep/record.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
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

void tune_drop(tuner *w) {
    if (w->checkpoint[0])
        checkpoint_remove(w->checkpoint); /* one that stays costs room, nothing else */
    w->checkpoint[0] = '\0';
}

/* Steps between checkpoints for so many seconds: by an assumed speed, which may be some times off,
 * but is the same for every variant of an encoder. */
static int64_t checkpoint_steps(const sweep *s, const finetune_options *o) {
    cost_rates rates = cost_assume(&s->shape);
    cost c = cost_variant(&rates, o, s->train, 0);
    double step = c.seconds / (double)c.steps;
    return o->checkpoint_every ? 1 + (int64_t)((double)o->checkpoint_every / step) : 0;
}

/* Train m; the time it took stays on this rank. Collective over group. */
static err train(tuner *w, const par *group, int64_t i, encoder *m, train_result *out) {
    const sweep *s = w->s;
    const variant *v = &s->variants[i];
    char checkpoint[4096];
    train_place place = {.checkpoint = checkpoint, .every = checkpoint_steps(s, &v->o)};
    monitor mon;
    if (s->checkpoints_dir != NULL)
        CALL(tune_checkpoint(s->checkpoints_dir, v->name, checkpoint));
    double began = clock_now();
    monitor_begin(&mon, v->name, "steps", 0);
    err e = train_classifier(group, m, &v->o, s->train, s->heldout,
                             s->checkpoints_dir != NULL ? &place : NULL, &mon, out);
    double seconds = clock_now() - began;
    w->training += seconds;
    CALL(e);
    monitor_end(&mon);
    if (!par_first(group))
        return OK;
    w->seconds[i] = seconds;
    w->trainer[i] = s->p->rank + 1;
    w->ranks[i] = group->size;
    if (s->checkpoints_dir != NULL)
        memcpy(w->checkpoint, checkpoint, sizeof w->checkpoint);
    return OK;
}

/* Collective over group. */
static err tune_variant(tuner *w, const par *group, int64_t i, strbuf *record) {
    const sweep *s = w->s;
    const variant *v = &s->variants[i];
    encoder *m = NULL;
    sweep_result r = {0};
    err e;
    TRY(par_agree(group, start(s, v, &m)));
    TRY(train(w, group, i, m, &r.train));
    if (!r.train.diverged)
        TRY(accuracy_shared(group, m, s->heldout, &r.heldout));
    TRY(par_agree(group, record_write(v, &r, record)));
    ENSURE(w->recorded == NULL || strcmp(record->text, w->recorded[i]) == 0, ERR_DATA,
           "its model was lost and does not come out as recorded (another program, processor or "
           "data): remove the study's folder to start over");
    if (!r.train.diverged)
        TRY(par_agree(group, par_first(group) ? publish(s, v, m) : OK));
done:
    encoder_destroy(&m);
    return e;
}

err tune(void *state, const par *group, int64_t unit, strbuf *record) {
    tuner *w = state;
    int64_t i = w->some != NULL ? w->some[unit] : unit;
    const char *name = w->s->variants[i].name;
    int marks = par_first(group) && w->begun != NULL;
    double began = clock_now(), trained = w->training;
    tune_drop(w);
    err e = par_agree(group, marks ? begun_begin(w->begun, name) : OK);
    if (e == OK)
        e = tune_variant(w, group, i, record);
    if (e == ERR_STOPPED && marks && begun_leave(w->begun, name) != OK)
        e = ERR_STOPPED; /* without the mark it only comes later at the next start */
    w->other += clock_now() - began - (w->training - trained);
    return e == OK ? OK : err_prefix(e, "variant %s", name);
}
