#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/journal.h"
#include "io/lines.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* STAGE.<digits>.log: the stage, "" for another file */
static void stage_of(const char *file, char out[256]) {
    const char *end = strrchr(file, '.'), *dot = end;
    out[0] = '\0';
    if (!end || strcmp(end, ".log") != 0)
        return;
    while (dot > file && dot[-1] != '.')
        dot--;
    if (dot > file && dot < end && strspn(dot, "0123456789") == (size_t)(end - dot))
        snprintf(out, 256, "%.*s", (int)(dot - file - 1), file);
}

/* CHECKSUM<TAB>KEY<TAB>…: whole lines go over as they are; a torn last one was never finished */
static err keep_lines(const char *text, size_t n, const char *stage, journal_choice keep,
                      void *state, strbuf *kept) {
    for (const char *line = text, *stop; (stop = memchr(line, '\n', n - (size_t)(line - text)));
         line = stop + 1) {
        const char *key = memchr(line, '\t', (size_t)(stop - line));
        const char *end = key ? memchr(key + 1, '\t', (size_t)(stop - key - 1)) : NULL;
        char name[256];
        if (!end)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(end - key - 1), key + 1);
        if (keep(state, stage, name))
            CALL(strbuf_add(kept, line, (size_t)(stop - line) + 1));
    }
    return OK;
}

static err keep_file(const char *path, const char *stage, journal_choice keep, void *state) {
    char *text = NULL;
    size_t n = 0;
    strbuf kept = {0};
    err e;
    TRY(file_read(path, &text, &n));
    TRY(keep_lines(text, n, stage, keep, state, &kept));
    if (kept.len > 0)
        TRY(atomic_write(path, kept.text, kept.len));
    else
        ENSURE(unlink(path) == 0, ERR_IO, "cannot remove %s: %s", path, strerror(errno));
done:
    free(text);
    strbuf_free(&kept);
    return e;
}

err journal_keep(const char *dir, journal_choice keep, void *state) {
    DIR *d = opendir(dir);
    CHECK(d, ERR_IO, "cannot read folder %s: %s", dir, strerror(errno));
    err e = OK;
    for (struct dirent *f = readdir(d); f && e == OK; f = readdir(d)) {
        char stage[256], path[4096];
        stage_of(f->d_name, stage);
        if (!stage[0])
            continue;
        e = path_join(path, dir, f->d_name);
        if (e == OK)
            e = keep_file(path, stage, keep, state);
    }
    closedir(d);
    return e;
}
