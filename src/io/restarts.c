#include "io/restarts.h"

#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* what comes and goes without being progress */
static const char *const PASSING[] = {"starts.json", "stopped", "stop", ".lock", "kernel"};

/* pieces read from the middle half of a checkpoint: its ends may hold counts of restarts */
enum { PIECES = 32, PIECE_BYTES = 64 };

static uint64_t middle(const char *path, off_t size) {
    unsigned char bytes[PIECES * PIECE_BYTES];
    size_t n = 0;
    FILE *f = fopen(path, "rb");
    for (int i = 0; f && i < PIECES; i++)
        if (fseeko(f, size / 4 + (off_t)((double)size / 2 * i / PIECES), SEEK_SET) == 0)
            n += fread(bytes + n, 1, PIECE_BYTES, f);
    if (f)
        fclose(f);
    return hash_u64(bytes, n);
}

static int is_passing(const char *name) {
    for (size_t i = 0; i < sizeof PASSING / sizeof *PASSING; i++)
        if (strcmp(name, PASSING[i]) == 0)
            return 1;
    return 0;
}

/* the sum over all files below dir, in whatever order a file system lists them; the first `root`
 * bytes of a path say only where the study is */
static err add_folder(const char *dir, size_t root, uint64_t *sum) {
    char path[4096], text[4200];
    struct stat st;
    err e = OK;
    DIR *d = opendir(dir);
    const struct dirent *entry;
    while (d && e == OK && (entry = readdir(d))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_passing(name))
            continue;
        e = path_join(path, dir, name);
        if (e != OK || lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            e = add_folder(path, root, sum);
        if (!S_ISREG(st.st_mode))
            continue;
        uint64_t inside = strstr(name, "checkpoint") ? middle(path, st.st_size) : 0;
        int n = snprintf(text, sizeof text, "%s %jd %016" PRIx64, path + root, (intmax_t)st.st_size,
                         inside);
        *sum += hash_u64(text, (size_t)n);
    }
    if (d)
        closedir(d);
    return e;
}

/* what dir/starts.json says; a damaged one counts as none: it is no result, and may not stop a run
 */
static void read_starts(const char *path, restarts *r, char state[17]) {
    json_t *j = NULL;
    const char *text;
    *r = (restarts){0};
    state[0] = '\0';
    if (!path_exists(path) || json_read(path, &j) != OK)
        return;
    if (json_get_int(j, path, "starts", 0, INT64_MAX, &r->starts) != OK ||
        json_get_int(j, path, "idle", 0, INT64_MAX, &r->idle) != OK ||
        json_get_text(j, path, "state", &text) != OK)
        *r = (restarts){0};
    else
        snprintf(state, 17, "%s", text);
    json_decref(j);
}

static err write_starts(const char *path, const restarts *r, const char *state) {
    json_t *j = json_pack("{sI sI ss}", "starts", (json_int_t)r->starts, "idle",
                          (json_int_t)r->idle, "state", state);
    CHECK(j, ERR_FAILED, "out of memory");
    err e = json_write(path, j);
    json_decref(j);
    return e;
}

err restarts_begin(const char *dir, int64_t most, restarts *out) {
    char path[4096], before[17], now[17];
    uint64_t sum = 0;
    CALL(path_join(path, dir, "starts.json"));
    read_starts(path, out, before);
    CALL(add_folder(dir, strlen(dir), &sum));
    snprintf(now, sizeof now, "%016" PRIx64, sum);
    int64_t idle = strcmp(now, before) == 0 ? out->idle + 1 : 0;
    CHECK(most == 0 || idle <= most, ERR_FAILED,
          "%s: restarted %lld times without any progress: it is stopped or killed before its next "
          "checkpoint; give it more time or memory, then start it with --max-restarts 0 or remove "
          "%s",
          dir, (long long)out->idle, path);
    out->starts++;
    out->idle = idle;
    return write_starts(path, out, now);
}

err restarts_end(const char *dir) {
    char path[4096], before[17];
    restarts r;
    CALL(path_join(path, dir, "starts.json"));
    read_starts(path, &r, before);
    r.idle = 0;
    return write_starts(path, &r, "");
}

int64_t restarts_count(const char *dir) {
    char path[4096], before[17];
    restarts r = {0};
    if (path_join(path, dir, "starts.json") == OK)
        read_starts(path, &r, before);
    return r.starts;
}
