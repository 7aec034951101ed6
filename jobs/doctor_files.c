/* checks of the folder that results go to */
#include "doctor.h"

#include "io/atomic_file.h"
#include "io/lock.h"
#include "store/library.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const double LEAST_DISK =
    1.0; /* GiB: models of a small study, their checkpoints, the store */

err check_folder(const par *p, const char *folder, finding *f) {
    int64_t blind = path_exists(folder) ? -1 : p->rank;
    CALL(par_max_i64(p, &blind, 1));
    if (blind >= 0)
        return doctor_find(
            f, FAIL,
            "rank %lld does not see what rank 0 makes: results must go to a file system that "
            "all hosts share",
            (long long)blind);
    return doctor_find(f, PASS, "every rank sees what rank 0 makes in %.*s",
                       (int)(strrchr(folder, '/') - folder), folder);
}

err check_disk(const par *p, const char *folder, finding *f) {
    (void)p;
    struct statvfs s;
    CHECK(statvfs(folder, &s) == 0, ERR_IO, "%s: %s", folder, strerror(errno));
    double gib = (double)s.f_bavail * (double)s.f_frsize / 0x1p30;
    if (gib < LEAST_DISK)
        return doctor_find(f, FAIL, "%.2f GiB free: make room or choose another folder", gib);
    return doctor_find(f, PASS, "%.1f GiB free", gib);
}

/* the last rank must be refused a lock that rank 0 holds; alone, rank 0 tries it twice */
err check_lock(const par *p, const char *folder, finding *f) {
    lock *held = NULL, *second = NULL;
    char file[4096];
    CALL(par_agree(p, p->rank == 0 ? lock_take(folder, &held) : OK));
    int refused = p->rank != p->size - 1 || lock_try(folder, &second) == ERR_FAILED;
    refused = par_all(p, refused);
    lock_release(&second);
    lock_release(&held);
    if (p->rank == 0 && path_join(file, folder, ".lock") == OK)
        unlink(file);
    if (!refused)
        return doctor_find(
            f, FAIL,
            "two processes got the same lock: two runs in one folder would not notice each "
            "other; choose a file system with POSIX locks");
    return doctor_find(f, PASS, "a second process is refused");
}

err check_hdf5(const par *p, const char *folder, finding *f) {
    char path[4096], library[64];
    store_library(library, sizeof library);
    CALL(path_join(path, folder, "selftest.h5"));
    err e = store_selftest(p, path);
    if (e != OK) {
        if (p->rank == 0)
            unlink(path);
        return e;
    }
    return doctor_find(f, PASS, "%s: written together and read back", library);
}
