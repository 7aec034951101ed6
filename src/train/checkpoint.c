#include "train/checkpoint.h"

#include "io/safetensors.h"

#include <string.h>

enum { COUNTERS = 5 };

static st_array vector(const char *name, st_dtype dtype, const void *data, size_t n) {
    return (st_array){.name = name,
                      .dtype = dtype,
                      .rank = 1,
                      .shape = {(int64_t)n},
                      .count = (int64_t)n,
                      .data = data};
}

err checkpoint_save(const char *path, const checkpoint_state *s, const float *block,
                    const optimiser *o) {
    int64_t counters[COUNTERS] = {s->run, s->step, s->tokens, s->updates, s->history};
    st_array arrays[] = {
        vector("parameters", ST_F32, block, o->n),
        vector("m", ST_F32, o->m, o->n),
        vector("v", ST_F32, o->v, o->n),
        vector("counters", ST_I64, counters, COUNTERS),
        vector("heldout", ST_F64, &s->heldout_first, 1),
    };
    return safetensors_write(path, arrays, (int)(sizeof arrays / sizeof *arrays));
}

/* An array by name, of this type and length. */
static err find(const safetensors *f, const char *path, const char *name, st_dtype dtype, size_t n,
                const st_array **out) {
    const st_array *a = safetensors_find(f, name);
    CHECK(
        a != NULL && a->dtype == dtype && a->count == (int64_t)n, ERR_DATA,
        "%s: no array \"%s\" of the type and length of this run's state: remove the file to start "
        "over",
        path, name);
    *out = a;
    return OK;
}

static err copy(const safetensors *f, const char *path, const char *name, float *out, size_t n) {
    const st_array *a = NULL;
    CALL(find(f, path, name, ST_F32, n, &a));
    return st_copy_f32(f, a, out, (int64_t)n);
}

static err load(const safetensors *f, const char *path, int64_t run, checkpoint_state *s,
                float *block, optimiser *o) {
    const st_array *a = NULL;
    int64_t counters[COUNTERS];
    CALL(find(f, path, "counters", ST_I64, COUNTERS, &a));
    memcpy(counters, a->data, sizeof counters);
    *s = (checkpoint_state){.run = counters[0],
                            .step = counters[1],
                            .tokens = counters[2],
                            .updates = counters[3],
                            .history = counters[4]};
    CHECK(s->run == run, ERR_DATA,
          "%s: belongs to another run (options, seed, corpus or start differ): remove the file to "
          "start over",
          path);
    CALL(find(f, path, "heldout", ST_F64, 1, &a));
    memcpy(&s->heldout_first, a->data, sizeof s->heldout_first);
    CALL(copy(f, path, "parameters", block, o->n));
    CALL(copy(f, path, "m", o->m, o->n));
    CALL(copy(f, path, "v", o->v, o->n));
    o->step = s->updates;
    return OK;
}

err checkpoint_load(const char *path, int64_t run, checkpoint_state *s, float *block,
                    optimiser *o) {
    safetensors *f;
    CALL(safetensors_open(path, &f));
    err e = load(f, path, run, s, block, o);
    safetensors_close(&f);
    return e;
}
