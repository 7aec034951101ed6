#include "io/lock.h"

#include "base/arena.h"
#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lock {
    int fd;
};

/* an open-file-description lock: seen across hosts on file systems that share POSIX locks */
static int hold(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole);
}

err lock_take(const char *dir, lock **out) {
    char path[4096], who[256] = "", host[128] = "";
    lock *l = NULL;
    CALL(path_join(path, dir, ".lock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    CHECK(fd >= 0, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    err e = OK;
    if (hold(fd) != 0) {
        int why = errno;
        ssize_t n = pread(fd, who, sizeof who - 1, 0);
        who[n > 0 ? n : 0] = '\0';
        who[strcspn(who, "\n")] = '\0';
        ENSURE(why != EAGAIN && why != EACCES, ERR_FAILED,
               "another run works in %s (%s): wait for it, or stop it", dir,
               who[0] ? who : "unknown process");
        ENSURE(0, ERR_IO, "cannot lock %s: %s", path, strerror(why));
    }
    gethostname(host, sizeof host - 1);
    int n = snprintf(who, sizeof who, "host %s, process %ld\n", host, (long)getpid());
    ENSURE(pwrite(fd, who, (size_t)n, 0) == n && ftruncate(fd, n) == 0, ERR_IO,
           "cannot write %s: %s", path, strerror(errno));
    TRY(mem_alloc(1, sizeof *l, &l));
    l->fd = fd;
    fd = -1;
    *out = l;
done:
    if (fd >= 0)
        close(fd);
    return e;
}

void lock_release(lock **l) {
    if (!*l)
        return;
    close((*l)->fd);
    free(*l);
    *l = NULL;
}
