#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

err path_join(char out[4096], const char *a, const char *b) {
    int n = snprintf(out, 4096, "%s%s%s", a, a[0] && a[strlen(a) - 1] != '/' ? "/" : "", b);
    CHECK(n >= 0 && n < 4096, ERR_IO, "path too long: %.60s.../%.60s", a, b);
    return OK;
}

int path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

err dir_sync(const char *path) {
    const char *dir = path[0] ? path : ".";
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0, ERR_IO, "cannot open folder %s: %s", dir, strerror(errno));
    int failed = fsync(fd) != 0 && errno != EINVAL; /* some file systems cannot sync a folder */
    int why = errno;
    close(fd);
    CHECK(!failed, ERR_IO, "cannot sync folder %s: %s", dir, strerror(why));
    return OK;
}

const char *path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* the entry of path is on disk once its folder is */
static err sync_entry(const char *path) {
    char dir[4096];
    const char *slash = strrchr(path, '/');
    int n = slash == path ? 1 : slash ? (int)(slash - path) : 0;
    snprintf(dir, sizeof dir, "%.*s", n, path);
    return dir_sync(dir);
}

static err make_one(const char *path) {
    struct stat st;
    if (mkdir(path, 0777) == 0)
        return sync_entry(path);
    int why = errno;
    CHECK(stat(path, &st) == 0, ERR_IO, "cannot make folder %s: %s", path, strerror(why));
    CHECK(S_ISDIR(st.st_mode), ERR_IO, "cannot make folder %s: a file of that name is there", path);
    return OK;
}

err dir_make(const char *path) {
    char part[4096];
    CHECK(path[0], ERR_IO, "cannot make a folder without a name");
    CALL(path_join(part, path, ""));
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        CALL(make_one(part));
        *slash = '/';
    }
    return OK;
}

static int is_temporary(const FTSENT *entry) {
    size_t n = entry->fts_namelen;
    return entry->fts_level > 0 && n > 4 && strcmp(entry->fts_name + n - 4, ".tmp") == 0;
}

err dir_sweep(const char *dir) {
    char root[4096];
    CALL(path_join(root, dir, ""));
    FTS *tree = fts_open((char *[]){root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    CHECK(tree, ERR_IO, "cannot read folder %s: %s", dir, strerror(errno));
    err e = OK;
    for (FTSENT *entry; (entry = fts_read(tree));) {
        /* fts_number is ours: 1 for all that is to go */
        if (entry->fts_info != FTS_DP)
            entry->fts_number = is_temporary(entry) || entry->fts_parent->fts_number;
        int bad =
            entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS;
        ENSURE(!bad, ERR_IO, "cannot read %s: %s", entry->fts_path, strerror(entry->fts_errno));
        if (entry->fts_number && entry->fts_info != FTS_D)
            ENSURE(remove(entry->fts_accpath) == 0, ERR_IO, "cannot remove %s: %s", entry->fts_path,
                   strerror(errno));
    }
done:
    fts_close(tree);
    return e;
}

err atomic_begin(const char *path, atomic_file *a) {
    a->f = NULL;
    int n = snprintf(a->path, sizeof a->path, "%s", path);
    int m = snprintf(a->tmp, sizeof a->tmp, "%s.%ld.tmp", path, (long)getpid());
    CHECK(n < (int)sizeof a->path && m < (int)sizeof a->tmp, ERR_IO, "path too long: %.80s", path);
    a->f = fopen(a->tmp, "wbe");
    CHECK(a->f, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    return OK;
}

err atomic_commit(atomic_file *a) {
    errno = 0;
    int bad = ferror(a->f) != 0;
    bad |= fflush(a->f) != 0 || fsync(fileno(a->f)) != 0;
    int why = errno;
    bad |= fclose(a->f) != 0;
    a->f = NULL;
    if (bad) {
        unlink(a->tmp);
        RAISE(ERR_IO, "cannot write %s: %s; nothing was published", a->path,
              why ? strerror(why) : "an earlier write failed (no space left?)");
    }
    return atomic_publish(a->tmp, a->path);
}

void atomic_discard(atomic_file *a) {
    if (!a->f)
        return;
    fclose(a->f);
    unlink(a->tmp);
    a->f = NULL;
}

err atomic_publish(const char *tmp, const char *path) {
    if (rename(tmp, path) != 0) {
        int why = errno;
        unlink(tmp);
        RAISE(ERR_IO, "cannot move %s into place: %s", path, strerror(why));
    }
    return sync_entry(path);
}

err atomic_write(const char *path, const void *bytes, size_t n) {
    atomic_file a;
    CALL(atomic_begin(path, &a));
    fwrite(bytes, 1, n, a.f);
    return atomic_commit(&a);
}
