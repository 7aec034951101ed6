#include "io/manifest.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct manifest {
    char dir[4096], path[4096];
    json_t *files; /* {path: {bytes, sha256, made_by, made_from}} */
};

/* {bytes, sha256, made_by, made_from} */
static err check_entry(const char *where, const char *path, const json_t *entry) {
    char what[4400];
    int64_t bytes;
    const char *text;
    snprintf(what, sizeof what, "%s: \"%.200s\"", where, path);
    CALL(json_get_int(entry, what, "bytes", 0, INT64_MAX, &bytes));
    CALL(json_get_text(entry, what, "made_by", &text));
    CALL(json_get_text(entry, what, "made_from", &text));
    CALL(json_get_text(entry, what, "sha256", &text));
    CHECK(strlen(text) == 64, ERR_DATA, "%s: field \"sha256\" is not 64 hex digits", what);
    return OK;
}

err manifest_open(const char *dir, manifest **out) {
    manifest *m = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *m, &m));
    snprintf(m->dir, sizeof m->dir, "%s", dir);
    TRY(path_join(m->path, dir, "manifest.json"));
    if (path_exists(m->path)) {
        TRY(json_read(m->path, &m->files));
        ENSURE(json_is_object(m->files), ERR_DATA, "%s:1: expected an object of files", m->path);
        const char *path;
        json_t *entry;
        json_object_foreach(m->files, path, entry) TRY(check_entry(m->path, path, entry));
    } else {
        m->files = json_object();
        ENSURE(m->files, ERR_FAILED, "out of memory");
    }
    *out = m;
    m = NULL;
done:
    manifest_close(&m);
    return e;
}

void manifest_close(manifest **m) {
    if (!*m)
        return;
    json_decref((*m)->files);
    free(*m);
    *m = NULL;
}

int manifest_has(const manifest *m, const char *path) {
    const json_t *entry = json_object_get(m->files, path);
    char full[4096];
    struct stat st;
    return entry && path_join(full, m->dir, path) == OK && stat(full, &st) == 0 &&
           json_integer_value(json_object_get(entry, "bytes")) == (json_int_t)st.st_size;
}

err manifest_entry(const manifest *m, const char *path, const char **sha256,
                   const char **made_from) {
    const json_t *entry = json_object_get(m->files, path);
    CHECK(entry, ERR_DATA, "%s: does not list %s", m->path, path);
    *sha256 = json_string_value(json_object_get(entry, "sha256"));
    *made_from = json_string_value(json_object_get(entry, "made_from"));
    return OK;
}

err manifest_add(manifest *m, const char *path, const char *made_by, const char *made_from) {
    char full[4096], hex[65];
    int64_t bytes = 0;
    CALL(path_join(full, m->dir, path));
    CALL(hash_file(full, hex, &bytes));
    json_t *entry = json_pack("{s:I, s:s, s:s, s:s}", "bytes", (json_int_t)bytes, "sha256", hex,
                              "made_by", made_by, "made_from", made_from);
    CHECK(entry && json_object_set_new(m->files, path, entry) == 0, ERR_FAILED, "out of memory");
    return json_write(m->path, m->files);
}

err manifest_verify(const manifest *m) {
    const char *path;
    json_t *entry;
    json_object_foreach(m->files, path, entry) {
        char full[4096], hex[65];
        CALL(path_join(full, m->dir, path));
        CALL(hash_file(full, hex, NULL));
        const char *want = json_string_value(json_object_get(entry, "sha256"));
        CHECK(
            want && strcmp(want, hex) == 0, ERR_DATA,
            "%s is not what it was when it was finished (SHA-256 differs): remove it, start again",
            full);
    }
    return OK;
}
