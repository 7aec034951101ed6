#include "io/lock.h"

#include "base/arena.h"
#include "base/log.h"
#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN_JOB_WAIT = 120 }; /* seconds: file servers take up to 90 to drop a dead host's locks */

struct lock {
    int fd;
};

/* an open-file-description lock: seen across hosts on file systems that share POSIX locks */
static int hold(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole);
}

/* who the holder of the lock says it is: "" where it says nothing */
static void read_holder(int fd, char who[256]) {
    ssize_t n = pread(fd, who, 255, 0);
    who[n > 0 ? n : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
}

/* An earlier start of this same batch job: the batch system has ended it, or is about to, but its
 * host or a file server may not know yet. */
static int is_own_job(const char *who) {
    char mine[64];
    const char *job = getenv("SLURM_JOB_ID"), *named = strstr(who, ", job ");
    if (!job || !named)
        return 0;
    snprintf(mine, sizeof mine, ", job %s", job);
    return strcmp(named, mine) == 0;
}

/* 0, or the errno of the last try; the own job's earlier start is waited for */
static int hold_or_wait(int fd, const char *dir, int most, char who[256]) {
    for (int seconds = 0;; seconds++) {
        if (hold(fd) == 0)
            return 0;
        int why = errno;
        read_holder(fd, who);
        if ((why != EAGAIN && why != EACCES) || !is_own_job(who) || seconds == most)
            return why;
        if (seconds == 0)
            log_info("waiting for the start of this job before this one to leave %s (%s)", dir,
                     who);
        sleep(1);
    }
}

/* seconds: that an earlier start of the own job is waited for */
static err take(const char *dir, int seconds, lock **out) {
    char path[4096], who[256] = "", host[128] = "";
    lock *l = NULL;
    CALL(path_join(path, dir, ".lock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    CHECK(fd >= 0, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    err e = OK;
    int why = hold_or_wait(fd, dir, seconds, who);
    ENSURE(why != EAGAIN && why != EACCES, ERR_FAILED,
           "another run works in %s (%s): wait for it, or stop it; if that host is down, remove %s",
           dir, who[0] ? who : "unknown process", path);
    ENSURE(why == 0, ERR_IO, "cannot lock %s: %s", path, strerror(why));
    gethostname(host, sizeof host - 1);
    const char *job = getenv("SLURM_JOB_ID");
    int n = snprintf(who, sizeof who, "host %s, process %ld%s%.32s\n", host, (long)getpid(),
                     job ? ", job " : "", job ? job : "");
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

err lock_take(const char *dir, lock **out) {
    return take(dir, OWN_JOB_WAIT, out);
}

err lock_try(const char *dir, lock **out) {
    return take(dir, 0, out);
}

void lock_release(lock **l) {
    if (!*l)
        return;
    close((*l)->fd);
    free(*l);
    *l = NULL;
}
