/* models of a study's folder: published whole, listed in the manifest, loaded by name */
#include "context.h"

#include "base/log.h"
#include "io/atomic_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct listing {
    const char *name, *made_by, *made_from;
    const encoder *m; /* NULL: the model is on disk already */
    int has;
} listing;

static const char *weights_path(char out[PATH_BYTES], const char *name) {
    snprintf(out, PATH_BYTES, "models/%s/model.safetensors", name);
    return out;
}

static err look_up(context *c, void *arg) {
    listing *l = arg;
    char path[PATH_BYTES];
    l->has = manifest_has(c->manifest, weights_path(path, l->name));
    return OK;
}

err context_has_model(context *c, const char *name, int *has) {
    listing l = {.name = name};
    CALL(context_on_root(c, look_up, &l));
    CALL(par_bcast(c->p, &l.has, sizeof l.has, 0));
    *has = l.has;
    return OK;
}

static err list_model(context *c, void *arg) {
    listing *l = arg;
    char path[PATH_BYTES], dir[PATH_BYTES];
    CALL(path_join(dir, c->models, l->name));
    weights_path(path, l->name);
    if (manifest_has(c->manifest, path))
        return OK;
    if (l->m)
        CALL(encoder_save(l->m, dir, c->vocab));
    const char *sha256, *made_from;
    CHECK(l->m || manifest_entry(c->manifest, path, &sha256, &made_from) != OK, ERR_DATA,
          "%s/%s has not the size with which it was finished (manifest.json): remove the folder "
          "to train it again",
          c->dir, path);
    return manifest_add(c->manifest, path, l->made_by, l->made_from);
}

err context_save_model(context *c, const char *name, const encoder *m, const char *made_by,
                       const char *made_from) {
    listing l = {name, made_by, made_from, m, 0};
    return context_on_root(c, list_model, &l);
}

err context_load_model(const context *c, const char *name, encoder **out) {
    char dir[PATH_BYTES];
    CALL(path_join(dir, c->models, name));
    CALL(encoder_load(dir, (encoder_want){.classes = -1, .mlm = 0}, out));
    return context_set_precision(c, *out);
}

err context_load_victim(const context *c, const char *name, encoder **out) {
    CALL(context_load_model(c, name, out));
    return encoder_thin(*out);
}

err context_set_precision(const context *c, encoder *m) {
    m->c.p = strcmp(c->s->model.precision, "bf16") == 0 ? BFLOAT16 : FLOAT32;
    CHECK(m->c.p == FLOAT32 || gemm_has_bfloat16(), ERR_USAGE,
          "%s: model.precision is bf16, which this CPU (or this build, see `espalier doctor`) does "
          "not multiply: expected float32",
          c->s->path);
    return OK;
}

static err drop_file(context *c, void *arg) {
    (void)c;
    const char *path = arg;
    CHECK(unlink(path) == 0 || errno == ENOENT, ERR_IO, "cannot remove %s: %s", path,
          strerror(errno));
    return OK;
}

err context_drop(context *c, const char *path) {
    char copy[PATH_BYTES];
    snprintf(copy, sizeof copy, "%s", path);
    return context_on_root(c, drop_file, copy);
}
