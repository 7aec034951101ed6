/* scratch.h: a folder for a test program's files. It is the working folder while the tests run, so
 * that messages have short paths; all of it goes at the end. */
#ifndef ESPALIER_TESTS_UNIT_SCRATCH_H
#define ESPALIER_TESTS_UNIT_SCRATCH_H

#include "base/err.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ck_ok(call) ck_assert_msg((call) == OK, "%s: %s (%s)", #call, err_message(), err_where())

/* the call fails with this code, and its message contains text */
#define ck_refused(call, code, text)                                                               \
    do {                                                                                           \
        ck_assert_int_eq((call), (code));                                                          \
        ck_assert_msg(strstr(err_message(), (text)) != NULL, "%s: expected \"%s\" in \"%s\"",      \
                      #call, (text), err_message());                                               \
    } while (0)

static inline void put_file(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void put_text(const char *path, const char *text) {
    put_file(path, text, strlen(text));
}

static inline int scratch_remove(const char *path, const struct stat *s, int kind, struct FTW *f) {
    (void)s, (void)kind, (void)f;
    return remove(path);
}

/* Run the suite in a fresh folder; the value is main's. */
static inline int scratch_run(Suite *s) {
    char folder[] = "/tmp/espalier-test-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    if (chdir("/") != 0 || nftw(folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS) != 0)
        perror(folder);
    return failed != 0;
}

#endif
