#include "par/preempt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* written by the handler alone */
static volatile sig_atomic_t asked;

static void on_signal(int signal_number) {
    (void)signal_number;
    if (asked)
        _exit(ERR_STOPPED);
    asked = 1;
}

void preempt_install(void) {
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
}

int preempt_asked(void) {
    return asked != 0;
}

err preempt_agree(const par *p) {
    int64_t any = asked;
    CALL(par_max_i64(p, &any, 1));
    CHECK(!any, ERR_STOPPED, "stopped on request; start again to go on");
    return OK;
}
