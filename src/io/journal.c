#include "io/journal.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* a line is CHECKSUM<TAB>KEY<TAB>UNIT<TAB>RECORD<NL>; the checksum covers what follows its tab */
enum { SUM_CHARS = 16 };

struct journal {
    int fd;
    off_t length; /* bytes of whole lines */
    char path[4096];
    strbuf line;
};

static void checksum(const char *body, size_t n, char out[SUM_CHARS + 1]) {
    snprintf(out, SUM_CHARS + 1, "%016" PRIx64, hash_u64(body, n));
}

/* 1 if line (n bytes, no newline) is whole */
static int whole(const char *line, size_t n) {
    char sum[SUM_CHARS + 1];
    if (n < SUM_CHARS + 2 || line[SUM_CHARS] != '\t')
        return 0;
    checksum(line + SUM_CHARS + 1, n - SUM_CHARS - 1, sum);
    return memcmp(sum, line, SUM_CHARS) == 0;
}

/* bytes up to the end of the last whole line; ERR_DATA when a damaged line is followed by others */
static err sound_length(const char *path, const char *text, size_t n, size_t *sound) {
    size_t at = 0;
    for (int line = 1; at < n; line++) {
        const char *stop = memchr(text + at, '\n', n - at);
        if (!stop)
            break; /* torn: the write was cut off */
        size_t len = (size_t)(stop - text) - at;
        if (!whole(text + at, len)) {
            CHECK(at + len + 1 == n, ERR_DATA,
                  "%s:%d: the line is damaged; remove the file, and its units are done again", path,
                  line);
            break;
        }
        at += len + 1;
    }
    *sound = at;
    return OK;
}

err journal_open(const char *dir, const char *stage, int rank, journal **out) {
    journal *j = NULL;
    char *text = NULL, name[256];
    size_t n = 0, sound = 0;
    err e;
    TRY(mem_alloc(1, sizeof *j, &j));
    j->fd = -1;
    ENSURE(snprintf(name, sizeof name, "%s.%d.log", stage, rank) < (int)sizeof name, ERR_FAILED,
           "journal: the stage's name is too long: %.40s", stage);
    TRY(path_join(j->path, dir, name));
    int there = path_exists(j->path);
    if (there) {
        TRY(file_read(j->path, &text, &n));
        TRY(sound_length(j->path, text, n, &sound));
    }
    j->fd = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    ENSURE(j->fd >= 0, ERR_IO, "cannot open %s: %s", j->path, strerror(errno));
    ENSURE(ftruncate(j->fd, (off_t)sound) == 0, ERR_IO, "cannot cut %s: %s", j->path,
           strerror(errno));
    if (!there)
        TRY(dir_sync(dir));
    j->length = (off_t)sound;
    *out = j;
    j = NULL;
done:
    free(text);
    journal_close(&j);
    return e;
}

static int write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

err journal_append(journal *j, const char *key, int64_t unit, const char *record) {
    CHECK(!strpbrk(key, "\t\n") && !strpbrk(record, "\n"), ERR_FAILED,
          "journal: key \"%s\" or its record has a tab or newline", key);
    char sum[SUM_CHARS + 1];
    strbuf_clear(&j->line);
    CALL(strbuf_printf(&j->line, "%*s\t%s\t%" PRId64 "\t%s", SUM_CHARS, "", key, unit, record));
    checksum(j->line.text + SUM_CHARS + 1, j->line.len - SUM_CHARS - 1, sum);
    memcpy(j->line.text, sum, SUM_CHARS);
    CALL(strbuf_add(&j->line, "\n", 1));
    if (write_all(j->fd, j->line.text, j->line.len) != 0 || fdatasync(j->fd) != 0) {
        int why = errno;
        int cut = ftruncate(j->fd, j->length); /* half a line must not stand before a whole one */
        RAISE(ERR_IO, "cannot write %s: %s%s", j->path, strerror(why),
              cut ? " (nor cut back)" : "");
    }
    j->length += (off_t)j->line.len;
    return OK;
}

void journal_close(journal **j) {
    if (!*j)
        return;
    if ((*j)->fd >= 0)
        close((*j)->fd);
    strbuf_free(&(*j)->line);
    free(*j);
    *j = NULL;
}

static err read_file(const char *path, journal_each each, void *state) {
    char *text = NULL;
    size_t n = 0, sound = 0;
    err e;
    TRY(file_read(path, &text, &n));
    TRY(sound_length(path, text, n, &sound));
    for (size_t at = 0; at < sound;) {
        char *key = text + at + SUM_CHARS + 1;
        char *stop = memchr(key, '\n', sound - at - SUM_CHARS - 1);
        char *unit = strchr(key, '\t'), *record = unit ? strchr(unit + 1, '\t') : NULL;
        ENSURE(record && record < stop, ERR_DATA, "%s: a line has too few columns", path);
        *stop = *unit = *record = '\0';
        TRY(each(state, key, strtoll(unit + 1, NULL, 10), record + 1));
        at = (size_t)(stop - text) + 1;
    }
done:
    free(text);
    return e;
}

/* STAGE.<digits>.log */
static int of_stage(const char *name, const char *stage) {
    size_t n = strlen(stage);
    if (strncmp(name, stage, n) != 0 || name[n] != '.')
        return 0;
    size_t digits = strspn(name + n + 1, "0123456789");
    return digits > 0 && strcmp(name + n + 1 + digits, ".log") == 0;
}

static int by_rank(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    return strlen(x) != strlen(y) ? (strlen(x) > strlen(y) ? 1 : -1) : strcmp(x, y);
}

err journal_read(const char *dir, const char *stage, journal_each each, void *state) {
    DIR *d = opendir(dir);
    CHECK(d, ERR_IO, "cannot read folder %s: %s", dir, strerror(errno));
    char **names = NULL, path[4096];
    size_t n = 0, cap = 0;
    err e = OK;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!of_stage(entry->d_name, stage))
            continue;
        TRY(mem_grow(n + 1, sizeof *names, &names, &cap));
        names[n] = strdup(entry->d_name);
        ENSURE(names[n], ERR_FAILED, "out of memory");
        n++;
    }
    if (n)
        qsort(names, n, sizeof *names, by_rank);
    for (size_t i = 0; i < n; i++) {
        TRY(path_join(path, dir, names[i]));
        TRY(read_file(path, each, state));
    }
done:
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    closedir(d);
    return e;
}
