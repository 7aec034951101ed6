#include "model/weights.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 512 };

typedef struct shard {
    char path[4096];
    safetensors *s;
    int first; /* number of its first array */
} shard;

struct weights {
    char name[4096];
    shard *shard; /* (n_shards) */
    int n_shards, n;
};

static err open_shard(weights *w, const char *path) {
    shard *s = &w->shard[w->n_shards];
    snprintf(s->path, sizeof s->path, "%s", path);
    CALL(safetensors_open(path, &s->s));
    s->first = w->n;
    w->n += safetensors_count(s->s);
    w->n_shards++;
    return OK;
}

/* the shard of that file name, opened if it was not; a name with a folder in it is not followed */
static err shard_named(weights *w, const char *dir, const char *file) {
    char path[4096];
    CHECK(file && file[0] && !strchr(file, '/'), ERR_DATA,
          "%s: weight_map has a value that is not a file's name", w->name);
    CALL(path_join(path, dir, file));
    for (int i = 0; i < w->n_shards; i++)
        if (strcmp(w->shard[i].path, path) == 0)
            return OK;
    CHECK(w->n_shards < SHARDS, ERR_DATA, "%s: more than %d files", w->name, (int)SHARDS);
    CHECK(path_exists(path), ERR_DATA, "%s: names %s, which is not there", w->name, file);
    return open_shard(w, path);
}

/* the index and the files must say the same: every array in one file, the one that is named */
static err check_map(const weights *w, const json_t *map) {
    for (int i = 0; i < w->n; i++) {
        const char *name = weights_at(w, i)->name, *path = weights_path(w, i);
        const char *file = json_string_value(json_object_get(map, name));
        CHECK(file && strcmp(file, path_name(path)) == 0, ERR_DATA,
              "%s: array %s is in %s, but weight_map says %s", w->name, name, path,
              file ? file : "nothing of it");
    }
    const char *name;
    json_t *file;
    json_object_foreach((json_t *)map, name, file)
        CHECK(weights_find(w, name) >= 0, ERR_DATA, "%s: array %s is not in %s", w->name, name,
              json_string_value(file));
    return OK;
}

static err open_index(weights *w, const char *dir) {
    json_t *o = NULL, *file;
    const char *name;
    err e;
    TRY(json_read(w->name, &o));
    json_t *map = json_object_get(o, "weight_map");
    ENSURE(json_is_object(map) && json_object_size(map) > 0, ERR_DATA,
           "%s: field \"weight_map\" is missing or not an object", w->name);
    TRY(mem_alloc(SHARDS, sizeof *w->shard, &w->shard));
    json_object_foreach(map, name, file) TRY(shard_named(w, dir, json_string_value(file)));
    TRY(check_map(w, map));
done:
    json_decref(o);
    return e;
}

/* nothing we read: say what is there and what to do with it */
static err refuse(const char *dir) {
    static const char *const other[] = {"pytorch_model.bin", "pytorch_model.bin.index.json",
                                        "tf_model.h5", "flax_model.msgpack"};
    char path[4096];
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        CALL(path_join(path, dir, other[i]));
        CHECK(!path_exists(path), ERR_DATA,
              "%s: only safetensors are read; convert once, in Python: "
              "transformers.AutoModelForMaskedLM.from_pretrained(\"%s\")"
              ".save_pretrained(\"%s\", safe_serialization=True) (or "
              "AutoModelForSequenceClassification, to keep a classifier)",
              path, dir, dir);
    }
    RAISE(ERR_IO, "%s: neither model.safetensors nor model.safetensors.index.json is there", dir);
}

err weights_open(const char *dir, weights **out) {
    weights *w = NULL;
    char one[4096];
    err e;
    TRY(mem_alloc(1, sizeof *w, &w));
    TRY(path_join(one, dir, "model.safetensors"));
    TRY(path_join(w->name, dir, "model.safetensors.index.json"));
    if (path_exists(one)) {
        memcpy(w->name, one, sizeof one);
        TRY(mem_alloc(1, sizeof *w->shard, &w->shard));
        TRY(open_shard(w, one));
    } else if (path_exists(w->name)) {
        TRY(open_index(w, dir));
    } else {
        TRY(refuse(dir));
    }
    *out = w;
    w = NULL;
done:
    weights_close(&w);
    return e;
}

void weights_close(weights **w) {
    if (!*w)
        return;
    for (int i = 0; i < (*w)->n_shards; i++)
        safetensors_close(&(*w)->shard[i].s);
    free((*w)->shard);
    free(*w);
    *w = NULL;
}

static const shard *shard_of(const weights *w, int i) {
    int k = w->n_shards - 1;
    while (i < w->shard[k].first)
        k--;
    return &w->shard[k];
}

int weights_count(const weights *w) {
    return w->n;
}

const st_array *weights_at(const weights *w, int i) {
    const shard *s = shard_of(w, i);
    return safetensors_at(s->s, i - s->first);
}

const char *weights_path(const weights *w, int i) {
    return shard_of(w, i)->path;
}

int weights_find(const weights *w, const char *name) {
    for (int i = 0; i < w->n; i++)
        if (strcmp(weights_at(w, i)->name, name) == 0)
            return i;
    return -1;
}

const char *weights_name(const weights *w) {
    return w->name;
}

err weights_copy(const weights *w, int i, float *out, int64_t count) {
    const shard *s = shard_of(w, i);
    return st_copy_f32(s->s, safetensors_at(s->s, i - s->first), out, count);
}
