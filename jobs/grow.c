#include "grow.h"

#include "base/log.h"
#include "config/variants.h"
#include "io/atomic_file.h"
#include "io/journal.h"
#include "io/lines.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const variant *named(const study *s, const char *name) {
    for (int i = 0; i < s->n_variants; i++)
        if (strcmp(s->variants[i].name, name) == 0)
            return &s->variants[i];
    return NULL;
}

/* the study without its variants */
static err write_rest(study *s, strbuf *out) {
    int n = s->n_variants;
    s->n_variants = 0;
    err e = study_write(s, out);
    s->n_variants = n;
    return e;
}

/* *line: the first of the file's text that differs; 0: nothing but variants does */
static err compare_rest(const context *c, study *old, const char *text, size_t n, const strbuf *now,
                        size_t *line) {
    strbuf mine = {0}, theirs = {0}, again = {0};
    size_t same = 0;
    err e;
    *line = 1;
    while (same < n && same < now->len && text[same] == now->text[same])
        *line += text[same++] == '\n';
    TRY(study_write(old, &again)); /* not the same: another version of the program wrote it */
    TRY(write_rest(c->s, &mine));
    TRY(write_rest(old, &theirs));
    if (again.len == n && memcmp(again.text, text, n) == 0 && strcmp(mine.text, theirs.text) == 0)
        *line = 0;
done:
    strbuf_free(&mine);
    strbuf_free(&theirs);
    strbuf_free(&again);
    return e;
}

/* a name stands for the same training before and after */
static err compare_variants(const context *c, const study *old) {
    strbuf mine = {0}, theirs = {0};
    err e = OK;
    for (int i = 0; i < old->n_variants; i++) {
        const variant *v = named(c->s, old->variants[i].name);
        strbuf_clear(&mine);
        strbuf_clear(&theirs);
        TRY(v ? variants_line(v, &mine) : OK);
        TRY(variants_line(&old->variants[i], &theirs));
        ENSURE(!v || strcmp(mine.text, theirs.text) == 0, ERR_USAGE,
               "variant %s of the study in %s has other options: give the new one another name, or "
               "remove the folder",
               v->name, c->dir);
    }
done:
    strbuf_free(&mine);
    strbuf_free(&theirs);
    return e;
}

/* what does not depend on which variants there are: their own training and scores, averages that
 * are named after their members, all before fine-tuning */
static int stays(void *state, const char *of, const char *key) {
    static const char *const own[] = {"finetune", "begun", "usage", "pretrain"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(of, own[i]) == 0)
            return 1;
    if (strcmp(of, "heldout") != 0 && strcmp(of, "attack") != 0)
        return 0;
    return strcmp(key, "start") == 0 || strncmp(key, "soup-", 5) == 0 || named(state, key) != NULL;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *f) {
    (void)s, (void)kind, (void)f;
    return remove(path);
}

static int is_derived(const study *old, const char *name) {
    return name[0] != '.' && strcmp(name, "start") != 0 && !named(old, name);
}

static int is_pruning(const study *old, const char *name) {
    size_t n = strlen(name);
    (void)old;
    return n > 11 && strcmp(name + n - 11, ".checkpoint") == 0 &&
           strcmp(name, "pretrain.checkpoint") != 0;
}

/* Remove what is chosen in a folder, with all below it. */
static err drop(const char *dir, int (*chosen)(const study *, const char *), const study *old) {
    DIR *d = opendir(dir);
    CHECK(d, ERR_IO, "cannot read folder %s: %s", dir, strerror(errno));
    err e = OK;
    for (struct dirent *f = readdir(d); f && e == OK; f = readdir(d)) {
        char path[PATH_BYTES];
        if (!chosen(old, f->d_name))
            continue;
        e = path_join(path, dir, f->d_name);
        if (e == OK)
            nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        if (e == OK && path_exists(path))
            e = err_raise(ERR_IO, __FILE__, __LINE__, "cannot remove %s", path);
    }
    closedir(d);
    return e;
}

err grow_study(const context *c, const char *path, const strbuf *text) {
    study *old = NULL;
    char *bytes = NULL;
    size_t n = 0, line = 1;
    err e;
    TRY(file_read(path, &bytes, &n));
    if (study_read(path, NULL, 0, &old) == OK)
        TRY(compare_rest(c, old, bytes, n, text, &line));
    ENSURE(line == 0, ERR_USAGE,
           "%s was written by another study (they differ in its line %zu): choose another "
           "`directory` or `name`, or remove the folder",
           path, line);
    TRY(compare_variants(c, old));
    log_info("the study had %d variants and has %d now: averages and what follows are made anew",
             old->n_variants, c->s->n_variants);
    TRY(journal_keep(c->journal, stays, old));
    TRY(drop(c->models, is_derived, old)); /* averages, pruned models */
    TRY(drop(c->dir, is_pruning, old));
    TRY(atomic_write(path, text->text, text->len));
done:
    study_free(&old);
    free(bytes);
    return e;
}
