#include "train/checkpoint.h"

#include "base/arena.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAYOUT = 2, HEAD = 6 }; /* version of the file; counts in its "state" */

static st_dtype dtype_of(const checkpoint_field *f) {
    return f->kind == CHECKPOINT_COUNTS ? ST_I64 : f->kind == CHECKPOINT_REALS ? ST_F64 : ST_F32;
}

static size_t bytes_of(const checkpoint_field *f) {
    return f->n * (dtype_of(f) == ST_F32 ? sizeof(float) : sizeof(double));
}

static int is_keeper(const checkpoint_file *k) {
    return reducer_par(k->r)->rank == CHECKPOINT_KEEPER;
}

/* "PATH.1" */
static err name_of(const checkpoint_file *k, const char *suffix, char out[4096]) {
    int n = snprintf(out, 4096, "%s%s", k->path, suffix);
    CHECK(n > 0 && n < 4096, ERR_IO, "path too long: %.120s...", k->path);
    return OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static st_array array_of(const char *name, st_dtype dtype, const void *data, size_t n) {
    return (st_array){.name = name,
                      .dtype = dtype,
                      .rank = 1,
                      .shape = {(int64_t)n},
                      .count = (int64_t)n,
                      .data = data};
}

/* The newest becomes PATH.1, PATH.new the newest; a kill between the two leaves PATH.1. */
static err rotate(const checkpoint_file *k, const char *fresh) {
    char older[4096];
    CALL(name_of(k, ".1", older));
    if (path_exists(k->path))
        CHECK(rename(k->path, older) == 0, ERR_IO, "%s: cannot be renamed: %s", k->path,
              strerror(errno));
    return atomic_publish(fresh, k->path);
}

/* whole (fields): of ranges, what was gathered */
static err write_file(const checkpoint_file *k, float *const *whole) {
    int64_t head[HEAD] = {LAYOUT, k->run, k->step, k->restarts, k->stuck, k->strikes};
    int64_t sums[CHECKPOINT_FIELDS + 1];
    st_array a[CHECKPOINT_FIELDS + 2];
    int n = 0;
    char fresh[4096];
    for (; n < k->fields; n++) {
        const checkpoint_field *f = &k->field[n];
        const void *data = whole[n] != NULL ? whole[n] : f->data;
        a[n] = array_of(f->name, dtype_of(f), data, f->n);
        sums[n] = (int64_t)hash_u64(data, bytes_of(f));
    }
    sums[n] = (int64_t)hash_u64(head, sizeof head);
    a[n] = array_of("state", ST_I64, head, HEAD);
    a[n + 1] = array_of("checksums", ST_I64, sums, (size_t)n + 1);
    CALL(name_of(k, ".new", fresh));
    CALL(safetensors_write(fresh, a, n + 2));
    return rotate(k, fresh);
}

/* Room for the ranges on the keeper, unless its range is all there is. */
static err make_room(const checkpoint_file *k, float **whole) {
    for (int i = 0; i < k->fields; i++)
        if (k->field[i].kind == CHECKPOINT_RANGE && is_keeper(k) && reducer_par(k->r)->size > 1)
            CALL(mem_alloc(k->field[i].n, sizeof **whole, &whole[i]));
    return OK;
}

err checkpoint_save(checkpoint_file *k) {
    float *whole[CHECKPOINT_FIELDS] = {NULL};
    const par *p = reducer_par(k->r);
    err e = OK;
    if (k->path == NULL || k->saved == k->step)
        return OK;
    TRY(par_agree(p, make_room(k, whole)));
    for (int i = 0; i < k->fields && p->size > 1; i++)
        if (k->field[i].kind == CHECKPOINT_RANGE)
            TRY(reducer_gather(k->r, k->field[i].data, whole[i]));
    TRY(par_agree(p, is_keeper(k) ? write_file(k, whole) : OK));
    k->saved = k->step;
done:
    for (int i = 0; i < k->fields; i++)
        free(whole[i]);
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* An array by name, of this type and length, undamaged. */
static err find(const safetensors *f, const char *path, const char *name, st_dtype dtype, size_t n,
                size_t bytes, int64_t sum, const st_array **out) {
    const st_array *a = safetensors_find(f, name);
    CHECK(a != NULL && a->dtype == dtype && a->count == (int64_t)n, ERR_DATA,
          "%s: no array \"%s\" of the type and length of this run's state", path, name);
    CHECK((int64_t)hash_u64(a->data, bytes) == sum, ERR_DATA,
          "%s: array \"%s\" is damaged: its checksum differs", path, name);
    *out = a;
    return OK;
}

/* *other: whole, but of another run */
static err check_file(checkpoint_file *k, const safetensors *f, const char *path,
                      const st_array *found[CHECKPOINT_FIELDS], int *other) {
    int64_t head[HEAD], sums[CHECKPOINT_FIELDS + 1] = {0};
    const st_array *a = safetensors_find(f, "checksums"), *state = safetensors_find(f, "state");
    CHECK(a != NULL && a->dtype == ST_I64 && a->count >= 1 && a->count <= CHECKPOINT_FIELDS + 1 &&
              state != NULL && state->dtype == ST_I64 && state->count == HEAD,
          ERR_DATA, "%s: is not the checkpoint of a training run", path);
    memcpy(sums, a->data, (size_t)a->count * sizeof *sums);
    memcpy(head, state->data, sizeof head);
    CHECK((int64_t)hash_u64(head, sizeof head) == sums[a->count - 1], ERR_DATA,
          "%s: array \"state\" is damaged: its checksum differs", path);
    *other = head[0] != LAYOUT || head[1] != k->run;
    CHECK(!*other, ERR_DATA,
          "%s: belongs to another run (options, seed, data or start differ): remove the file to "
          "start over",
          path);
    for (int i = 0; i < k->fields; i++) {
        const checkpoint_field *x = &k->field[i];
        CALL(find(f, path, x->name, dtype_of(x), x->n, bytes_of(x), sums[i], &found[i]));
    }
    k->step = head[2];
    k->restarts = head[3];
    k->stuck = head[4];
    k->strikes = head[5];
    return OK;
}

static err open_file(checkpoint_file *k, const char *path, safetensors **f,
                     const st_array *found[CHECKPOINT_FIELDS], int *other) {
    *other = 0;
    CALL(safetensors_open(path, f));
    err e = check_file(k, *f, path, found, other);
    if (e != OK)
        safetensors_close(f);
    return e;
}

/* The newest generation that is whole, on the keeper; *f NULL: there is none. */
static err open_newest(checkpoint_file *k, safetensors **f,
                       const st_array *found[CHECKPOINT_FIELDS]) {
    char older[4096], why[2048];
    int other, newest = path_exists(k->path);
    CALL(name_of(k, ".1", older));
    if (newest) {
        err e = open_file(k, k->path, f, found, &other);
        if (e == OK || other)
            return e;
        if (!path_exists(older))
            return err_prefix(e, "no older checkpoint to fall back to; remove it to start over");
        snprintf(why, sizeof why, "%s", err_message());
    }
    if (!path_exists(older))
        return OK;
    err e = open_file(k, older, f, found, &other);
    if (e != OK)
        return err_prefix(e, "no checkpoint is whole; remove %s and this to start over", k->path);
    if (newest) {
        k->fallen_back = 1;
        log_warning("%s; it is removed, going on from the older one, step %lld", why,
                    (long long)k->step);
        CHECK(unlink(k->path) == 0, ERR_IO, "%s: cannot be removed: %s", k->path, strerror(errno));
    }
    return OK;
}

/* one more start at this step */
static err count_restart(checkpoint_file *k) {
    k->strikes = k->restarts > 0 && k->stuck == k->step ? k->strikes + 1 : 1;
    CHECK(k->strikes <= CHECKPOINT_RESTARTS, ERR_FAILED,
          "%s: restarted %d times at step %lld without reaching the next checkpoint: give it more "
          "time or checkpoints at fewer steps, or remove it to start over",
          k->path, CHECKPOINT_RESTARTS, (long long)k->step);
    k->stuck = k->step;
    k->restarts++;
    return OK;
}

/* Hand the keeper's arrays to the ranks. Collective. */
static err hand_out(const checkpoint_file *k, const st_array *const *found) {
    const par *p = reducer_par(k->r);
    for (int i = 0; i < k->fields; i++) {
        const checkpoint_field *f = &k->field[i];
        if (f->kind == CHECKPOINT_RANGE) {
            CALL(reducer_scatter(k->r, is_keeper(k) ? found[i]->data : NULL, f->data));
            continue;
        }
        if (is_keeper(k))
            memcpy(f->data, found[i]->data, bytes_of(f));
        CALL(par_bcast(p, f->data, bytes_of(f), CHECKPOINT_KEEPER));
    }
    return OK;
}

err checkpoint_resume(checkpoint_file *k, int *resumed) {
    const par *p = reducer_par(k->r);
    const st_array *found[CHECKPOINT_FIELDS] = {NULL};
    safetensors *f = NULL;
    err e = OK;
    *resumed = 0;
    k->saved = -1;
    if (k->path == NULL)
        return OK;
    if (is_keeper(k)) {
        e = open_newest(k, &f, found);
        *resumed = f != NULL;
        if (e == OK && f != NULL)
            e = count_restart(k);
    }
    TRY(par_agree(p, e));
    TRY(par_bcast(p, resumed, sizeof *resumed, CHECKPOINT_KEEPER));
    if (*resumed) {
        int64_t counts[] = {k->step, k->restarts, k->stuck, k->strikes, k->fallen_back};
        TRY(par_bcast(p, counts, sizeof counts, CHECKPOINT_KEEPER));
        k->step = counts[0];
        k->restarts = counts[1];
        k->stuck = counts[2];
        k->strikes = counts[3];
        k->fallen_back = (int)counts[4];
        TRY(hand_out(k, found));
        TRY(checkpoint_save(k)); /* the restart is on disk before anything can end it */
    }
done:
    safetensors_close(&f);
    return e;
}

err checkpoint_remove(const char *path) {
    static const char *const suffixes[] = {"", ".1", ".new"};
    for (int i = 0; i < 3; i++) {
        char name[4096];
        int n = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        CHECK(n > 0 && n < (int)sizeof name, ERR_IO, "path too long: %.120s...", path);
        CHECK(unlink(name) == 0 || errno == ENOENT, ERR_IO, "%s: cannot be removed: %s", name,
              strerror(errno));
    }
    return OK;
}
