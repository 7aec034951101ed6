/* doctor: is this machine fit for a run, and if not, what to do */
#include "doctor.h"
#include "job.h"

#include "io/atomic_file.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    check_fn check;
} checks[] = {
    {"ranks", check_ranks},     {"start", check_start},   {"cores", check_cores},
    {"threads", check_threads}, {"kernel", check_kernel}, {"memory", check_memory},
    {"folder", check_folder},   {"disk", check_disk},     {"lock", check_lock},
    {"hdf5", check_hdf5},
};
enum { N_CHECKS = sizeof checks / sizeof *checks };

static error_t parse(int key, char *arg, struct argp_state *state) {
    const char **folder = state->input;
    switch (key) {
    case 'd':
        *folder = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "no argument expected, got \"%s\"", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

err doctor_find(finding *f, verdict v, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->verdict = v;
    return OK;
}

/* a folder of our own below the one that results go to, known to every rank */
static err make_scratch(const char *folder, char scratch[4096]) {
    CALL(path_join(scratch, folder, "espalier-doctor.XXXXXX"));
    CHECK(mkdtemp(scratch), ERR_IO,
          "%s: cannot make a folder here: %s; choose another one with --directory", folder,
          strerror(errno));
    return OK;
}

static void print_finding(const char *name, const finding *f) {
    static const char *const words[] = {"PASS", "WARN", "FAIL"};
    printf("%s  %-8s %s\n", words[f->verdict], name, f->text);
}

/* all checks in order; returns the number of failures, as this rank sees it */
static int examine(const par *p, const char *scratch) {
    int failures = 0;
    for (int i = 0; i < N_CHECKS; i++) {
        finding f = {PASS, ""};
        err e = par_agree(p, checks[i].check(p, scratch, &f));
        if (e != OK)
            doctor_find(&f, FAIL, "%s", err_message());
        if (p->rank == 0)
            print_finding(checks[i].name, &f);
        failures += f.verdict == FAIL;
    }
    return failures;
}

err job_doctor(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"directory", 'd', "DIR", 0, "folder that results will go to (default: .)", 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Check this machine, as started: one world of ranks, cores, threads, the "
        "same BLAS kernel on every host, memory, a shared folder with room, file "
        "locks, collective HDF5. Start it as the runs will be started.",
        NULL,
        NULL,
        NULL};
    const char *folder = ".";
    char scratch[4096] = "";
    argp_parse(&argp, argc, argv, 0, NULL, &folder);
    CALL(par_agree(p, p->rank == 0 ? make_scratch(folder, scratch) : OK));
    CALL(par_bcast(p, scratch, sizeof scratch, 0));
    int failures = examine(p, scratch);
    if (p->rank == 0)
        rmdir(scratch);
    CALL(par_bcast(p, &failures, sizeof failures, 0));
    CHECK(failures == 0, ERR_FAILED, "%d of %d checks failed", failures, (int)N_CHECKS);
    return OK;
}
