/* agree.h: Check over MPI. Without forks an assert that fails on one rank only would leave the
 * others waiting, so every assert is on something agreed over all ranks. */
#ifndef ESPALIER_TESTS_MPI_AGREE_H
#define ESPALIER_TESTS_MPI_AGREE_H

#include "io/atomic_file.h"
#include "par/par.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ck_all(p, cond) ck_assert_msg(par_all((p), (cond)), "%s (on some rank)", #cond)

/* for local and collective calls alike: an err of any rank fails all, with its message */
#define ck_all_ok(p, call)                                                                         \
    ck_assert_msg(par_agree((p), (call)) == OK, "%s: %s (%s)", #call, err_message(), err_where())

/* A fresh folder, the same on every rank. Collective. */
static inline void agree_folder(const par *p, char dir[4096]) {
    err e = OK;
    snprintf(dir, 4096, "/tmp/espalier-test-XXXXXX");
    if (p->rank == 0 && mkdtemp(dir) == NULL)
        e = ERR_IO;
    ck_all(p, e == OK);
    ck_all_ok(p, par_bcast(p, dir, 4096, 0));
}

static inline int agree_unlink(const char *path, const struct stat *s, int kind, struct FTW *f) {
    (void)s, (void)kind, (void)f;
    return remove(path);
}

/* Remove a file or folder with all that is in it. Collective. */
static inline void agree_remove(const par *p, const char *path) {
    ck_all_ok(p, par_barrier(p));
    if (p->rank == 0)
        nftw(path, agree_unlink, 8, FTW_DEPTH | FTW_PHYS);
    ck_all_ok(p, par_barrier(p));
}

/* Run the cases of t on all ranks; rank 0 reports. Closes *p; the value is main's. Collective. */
static inline int agree_run(const char *name, TCase *t, par **p) {
    Suite *s = suite_create(name);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, (*p)->rank == 0 ? CK_NORMAL : CK_SILENT);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    par_close(p);
    return failed != 0;
}

#endif
