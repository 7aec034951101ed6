#include "limits.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "io/restarts.h"
#include "par/preempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TIME = 256, SELF_INTERRUPT, MAX_RESTARTS, DEFAULT_RESTARTS = 5 };

static const struct argp_option OPTIONS[] = {
    {"max-time", MAX_TIME, "HH:MM:SS", 0,
     "stop at a checkpoint before this time is over; a number alone is minutes", 0},
    {"max-restarts", MAX_RESTARTS, "N", 0,
     "give up after so many restarts in a row without progress (5); 0: never", 0},
    {"self-interrupt", SELF_INTERRUPT, "STEP", 0,
     "for tests: every rank signals itself at its boundary number STEP", 0},
    {0}};

static int64_t whole_number(struct argp_state *state, const char *option, const char *text) {
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < 0)
        argp_error(state, "%s: expected a whole number, got \"%s\"", option, text);
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    limits *l = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *l = (limits){.restarts = DEFAULT_RESTARTS};
        return 0;
    case MAX_TIME:
        l->seconds = clock_span(arg);
        if (l->seconds <= 0)
            argp_error(state, "--max-time: expected minutes or HH:MM:SS, got \"%s\"", arg);
        return 0;
    case MAX_RESTARTS:
        l->restarts = whole_number(state, "--max-restarts", arg);
        return 0;
    case SELF_INTERRUPT:
        l->interrupt = whole_number(state, "--self-interrupt", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp limits_argp = {OPTIONS, parse, NULL, NULL, NULL, NULL, NULL};

/* rank 0 */
static err count_start(const limits *l) {
    char path[4096];
    restarts r;
    CALL(path_join(path, l->dir, "stopped"));
    CHECK(!path_exists(l->stop), ERR_STOPPED, "the file %s stops this study: remove it to go on",
          l->stop);
    CHECK(unlink(path) == 0 || errno == ENOENT, ERR_IO, "cannot remove %s: %s", path,
          strerror(errno));
    CALL(restarts_begin(l->dir, l->restarts, &r));
    if (r.starts > 1)
        log_info("start number %lld of this study%s", (long long)r.starts,
                 r.idle ? "; the last one achieved nothing" : "");
    return OK;
}

err limits_begin(const par *p, limits *l, const char *dir) {
    snprintf(l->dir, sizeof l->dir, "%s", dir);
    err e = path_join(l->stop, dir, "stop");
    if (e == OK && p->rank == 0)
        e = count_start(l);
    CALL(par_agree(p, e));
    preempt_watch(l->stop);
    preempt_limit(l->seconds);
    preempt_interrupt(l->interrupt);
    return OK;
}

/* rank 0; the marker comes last: who sees it knows that the ranks have nothing more to write */
static err write_end(const limits *l, err how, const char *message) {
    char path[4096], line[2200];
    if (how != ERR_STOPPED || preempt_by_person() || path_exists(l->stop))
        CALL(restarts_end(l->dir));
    if (how != ERR_STOPPED)
        return OK;
    int n = snprintf(line, sizeof line, "%s\n", message);
    CALL(path_join(path, l->dir, "stopped"));
    return atomic_write(path, line, (size_t)n);
}

err limits_end(const par *p, limits *l, err e) {
    preempt_watch(NULL);
    e = par_agree(p, e);
    char message[2048], where[128];
    snprintf(message, sizeof message, "%s", err_message());
    snprintf(where, sizeof where, "%s", err_where());
    err written = par_agree(p, p->rank == 0 ? write_end(l, e, message) : OK);
    if (written != OK && (e == OK || e == ERR_STOPPED))
        return written;
    err_set(message, where);
    if (e != ERR_STOPPED || !par_under_mpirun(p))
        return e;
    log_info("%s", message);
    return OK;
}
