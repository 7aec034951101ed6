/* whose a study's folder is: this study's, another one's, or nobody's yet */
#include "claim.h"
#include "grow.h"

#include "base/log.h"
#include "io/atomic_file.h"
#include "io/lines.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* what a start leaves behind before anything of the study itself is made */
static int is_early(const char *name) {
    static const char *const early[] = {".",          "..",          ".lock",
                                        "study.yaml", "starts.json", "inputs.json",
                                        "data",       "stopped",     "kernel"};
    for (size_t i = 0; i < sizeof early / sizeof *early; i++)
        if (strcmp(name, early[i]) == 0)
            return 1;
    return 0;
}

/* nothing in dir but what is early, and folders that are as empty */
static err is_fresh(const char *dir, int *yes) {
    DIR *d = opendir(dir);
    CHECK(d, ERR_IO, "cannot read folder %s: %s", dir, strerror(errno));
    err e = OK;
    *yes = 1;
    for (struct dirent *f; e == OK && *yes && (f = readdir(d));) {
        char path[PATH_BYTES];
        int empty = strcmp(f->d_name, "journal") == 0 || strcmp(f->d_name, "models") == 0;
        if (is_early(f->d_name))
            continue;
        e = empty ? path_join(path, dir, f->d_name) : OK;
        if (e == OK && empty)
            e = is_fresh(path, &empty);
        *yes = empty;
    }
    closedir(d);
    return e;
}

/* The other study ended before it began, at a wrong path perhaps that is right in this one. Of what
 * it generated train.tsv, without which all is made again. */
static err take_over(const context *c, const char *path, const strbuf *text) {
    static const char *const its_own[] = {"inputs.json", "starts.json", "data/train.tsv", "kernel"};
    char name[PATH_BYTES];
    for (size_t i = 0; i < sizeof its_own / sizeof *its_own; i++) {
        CALL(path_join(name, c->dir, its_own[i]));
        CHECK(unlink(name) == 0 || errno == ENOENT || errno == ENOTDIR, ERR_IO,
              "cannot remove %s: %s", name, strerror(errno));
    }
    log_info("%s: of a study that had not begun; now of this one", path);
    return atomic_write(path, text->text, text->len);
}

static err claim_again(const context *c, const char *path, const strbuf *text) {
    char *old = NULL;
    size_t n = 0;
    int fresh;
    CALL(file_read(path, &old, &n));
    int same = n == text->len && memcmp(old, text->text, n) == 0;
    free(old);
    if (same)
        return OK;
    CALL(is_fresh(c->dir, &fresh));
    return fresh ? take_over(c, path, text) : grow_study(c, path, text);
}

err claim_folder(context *c, void *arg) {
    const strbuf *text = arg;
    char path[PATH_BYTES];
    CALL(dir_make(c->dir));
    CALL(dir_make(c->journal));
    CALL(dir_make(c->models));
    CALL(lock_take(c->dir, &c->lock));
    CALL(dir_sweep(c->dir)); /* what a killed run left half written */
    CALL(path_join(path, c->dir, "study.yaml"));
    if (path_exists(path))
        CALL(claim_again(c, path, text));
    else
        CALL(atomic_write(path, text->text, text->len));
    return manifest_open(c->dir, &c->manifest);
}
