/* what stops a run: signals, time, a file; and restarts that achieve nothing */
#include "base/clock.h"
#include "io/atomic_file.h"
#include "io/restarts.h"
#include "par/preempt.h"
#include "unit/scratch.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static const int SIGNALS[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};

/* the exit code of a child that sends itself a signal after so long, 1 if that does not end it */
static int after_another(useconds_t pause, int number) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        usleep(pause);
        raise(number);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* the first signal is noted, as is its echo by another way; the second one ends the process with
 * the code for "requeue me" */
START_TEST(signals) {
    preempt_install();
    ck_assert_int_eq(preempt_asked(), 0);
    raise(SIGXFSZ);
    ck_assert_int_eq(preempt_asked(), 0);
    raise(SIGNALS[_i]);
    ck_assert_int_eq(preempt_asked(), 1);
    ck_assert_int_eq(preempt_by_person(), SIGNALS[_i] == SIGINT);
    ck_refused(preempt_raise(), ERR_STOPPED, SIGNALS[_i] == SIGTERM ? "(signal TERM)" : "(signal ");
    ck_assert_int_eq(after_another(0, SIGNALS[(_i + 1) % 4]), 1);
    ck_assert_int_eq(after_another(1100000, SIGNALS[(_i + 1) % 4]), ERR_STOPPED);
}
END_TEST

START_TEST(a_file_stops) {
    preempt_install();
    preempt_watch("stop");
    ck_assert_int_eq(preempt_asked(), 0);
    put_text("stop", "");
    preempt_watch("stop"); /* looks at once */
    ck_assert_int_eq(preempt_asked(), 1);
    ck_assert_int_eq(preempt_by_person(), 1);
    ck_refused(preempt_raise(), ERR_STOPPED, "remove it");
    ck_assert_int_eq(after_another(0, SIGUSR1), 1); /* still the first signal */
    ck_assert_int_eq(unlink("stop"), 0);
}
END_TEST

START_TEST(time_stops) {
    preempt_install();
    preempt_limit(3600.0);
    ck_assert_int_eq(preempt_asked(), 0);
    preempt_limit(1e-9);
    ck_assert_int_eq(preempt_asked(), 1);
    ck_assert_int_eq(preempt_by_person(), 0);
    preempt_limit(3600.0); /* the request stays */
    ck_refused(preempt_agree(&(par){.size = 1}), ERR_STOPPED, "--max-time");
}
END_TEST

START_TEST(interrupts_itself) {
    preempt_install();
    preempt_interrupt(3);
    for (int boundary = 1; boundary <= 5; boundary++)
        ck_assert_int_eq(preempt_asked(), boundary >= 3);
    ck_refused(preempt_raise(), ERR_STOPPED, "signal USR1");
}
END_TEST

static const struct {
    const char *text;
    double seconds;
} spans[] = {
    {"90", 5400},     {"1:30", 90},      {"02:00:00", 7200}, {"1-0", 86400}, {"2-12:30", 217800},
    {"0-0:0:7", 7},   {"", -1},          {"x", -1},          {"-5", -1},     {"1:2:3:4", -1},
    {"1:", -1},       {":1", -1},        {"1.5", -1},        {"1-", -1},     {"-", -1},
    {"00:00:10", 10}, {"9 minutes", -1}, {"1-2-3", -1},      {"1e3", -1},    {"12345678901", -1},
};

START_TEST(time_spans) {
    ck_assert_double_eq(clock_span(spans[_i].text), spans[_i].seconds);
}
END_TEST

/* begin, and how many starts in a row achieved nothing */
static int64_t idle(int64_t most) {
    restarts r;
    ck_ok(restarts_begin("study", most, &r));
    ck_assert_int_eq(r.starts, restarts_count("study"));
    return r.idle;
}

static void fresh(void) {
    ck_assert_int_eq(system("rm -rf study"), 0);
    ck_ok(dir_make("study/journal"));
    ck_ok(dir_make("study/models/a"));
}

START_TEST(no_progress_gives_up) {
    restarts r;
    fresh();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(idle(2), i);
    put_text("study/stopped", "passing");
    ck_refused(restarts_begin("study", 2, &r), ERR_FAILED,
               "study: restarted 2 times without any progress");
    ck_refused(restarts_begin("study", 2, &r), ERR_FAILED, "--max-restarts 0");
    ck_assert_int_eq(idle(0), 3);
    ck_assert_int_eq(restarts_count("study"), 4);
    put_text("study/journal/a.0.log", "a unit\n");
    ck_assert_int_eq(idle(2), 0);
}
END_TEST

/* a checkpoint is progress when its middle changes, not when its counters at the end do */
START_TEST(checkpoint_is_progress) {
    char bytes[8192] = {0};
    fresh();
    put_file("study/models/a/x.checkpoint", bytes, sizeof bytes);
    ck_assert_int_eq(idle(9), 0);
    bytes[sizeof bytes - 8] = 1;
    put_file("study/models/a/x.checkpoint", bytes, sizeof bytes);
    ck_assert_int_eq(idle(9), 1);
    memset(bytes, 7, sizeof bytes / 2);
    put_file("study/models/a/x.checkpoint", bytes, sizeof bytes);
    ck_assert_int_eq(idle(9), 0);
}
END_TEST

/* what ends of itself is not restarted */
START_TEST(end_forgets) {
    fresh();
    ck_assert_int_eq(restarts_count("study"), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(idle(1), 0);
        ck_ok(restarts_end("study"));
    }
    put_text("study/starts.json", "{\"starts\": 3"); /* damaged: counts from the beginning */
    ck_assert_int_eq(idle(1), 0);
    ck_assert_int_eq(restarts_count("study"), 1);
}
END_TEST

int main(void) {
    Suite *s = suite_create("stop");
    TCase *t = tcase_create("stop");
    tcase_add_loop_test(t, signals, 0, 4);
    tcase_add_test(t, a_file_stops);
    tcase_add_test(t, time_stops);
    tcase_add_test(t, interrupts_itself);
    tcase_add_loop_test(t, time_spans, 0, (int)(sizeof spans / sizeof *spans));
    tcase_add_test(t, no_progress_gives_up);
    tcase_add_test(t, checkpoint_is_progress);
    tcase_add_test(t, end_forgets);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
