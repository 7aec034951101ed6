#include "par/preempt.h"

#include "base/clock.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double SAME_REQUEST = 1.0; /* seconds: see the header */
static const double LOOK_EVERY = 2.0;   /* seconds between looks for the file */
static const double LAST_WORK = 3.0;    /* seconds that the end of a run takes */

/* what asked for the stop: 0 nothing, a signal's number, or one of these */
enum { ASKED_BY_TIME = 1000, ASKED_BY_FILE = 1001 };

static volatile sig_atomic_t asked; /* by the handler; for time and file by the rank's own loop */
static struct timespec first;       /* the handler's own: when the first signal came; 0: none */

/* written by the rank's own loop alone */
static struct {
    double start, last, longest; /* boundaries: seconds of clock_now; the longest way between two */
    double limit, looked;
    const char *file;
    int64_t boundaries, interrupt;
} watch;

static void on_signal(int number) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (first.tv_sec == 0 && first.tv_nsec == 0)
        first = t;
    else if ((double)(t.tv_sec - first.tv_sec) + 1e-9 * (double)(t.tv_nsec - first.tv_nsec) >
             SAME_REQUEST)
        _exit(ERR_STOPPED);
    if (!asked)
        asked = number;
}

void preempt_install(void) {
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
    watch.start = watch.last = clock_now();
}

void preempt_limit(double seconds) {
    watch.limit = seconds;
}

void preempt_watch(const char *file) {
    watch.file = file;
    watch.looked = -INFINITY;
}

void preempt_interrupt(int64_t boundary) {
    watch.interrupt = boundary;
}

static int out_of_time(double now) {
    if (watch.limit <= 0)
        return 0;
    double reserve = fmin(2 * watch.longest + LAST_WORK, watch.limit / 2);
    return now - watch.start >= watch.limit - reserve;
}

static int file_is_there(double now) {
    if (watch.file == NULL || now - watch.looked < LOOK_EVERY)
        return 0;
    watch.looked = now;
    return access(watch.file, F_OK) == 0;
}

int preempt_asked(void) {
    double now = clock_now();
    watch.longest = fmax(watch.longest, now - watch.last);
    watch.last = now;
    if (++watch.boundaries == watch.interrupt)
        raise(SIGUSR1);
    if (!asked && out_of_time(now))
        asked = ASKED_BY_TIME;
    if (!asked && file_is_there(now))
        asked = ASKED_BY_FILE;
    return asked != 0;
}

int preempt_by_person(void) {
    return asked == SIGINT || asked == ASKED_BY_FILE;
}

static err raise_for(int why) {
    char by[64];
    if (why == ASKED_BY_TIME)
        snprintf(by, sizeof by, "its time (--max-time) is over");
    else if (why == ASKED_BY_FILE)
        snprintf(by, sizeof by, "the file `stop` is in the study's folder");
    else
        snprintf(by, sizeof by, "signal %s", sigabbrev_np(why) ? sigabbrev_np(why) : "?");
    RAISE(ERR_STOPPED, "stopped on request (%s)%s; start again to go on", by,
          why == ASKED_BY_FILE ? ": remove it" : "");
}

err preempt_raise(void) {
    return raise_for(asked);
}

err preempt_agree(const par *p) {
    int64_t any = preempt_asked() ? asked : 0;
    CALL(par_max_i64(p, &any, 1));
    return any ? raise_for((int)any) : OK;
}
