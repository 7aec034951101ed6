#include "base/monitor.h"

#include "base/clock.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>

static const double TERMINAL_SECONDS = 0.2, LOG_SECONDS = 30.0;

void monitor_begin(monitor *m, const char *stage, const char *unit, int64_t total) {
    snprintf(m->stage, sizeof m->stage, "%s", stage);
    m->unit = unit;
    m->total = total;
    m->done = m->before = m->tokens = 0;
    m->start = m->shown = clock_now();
}

void monitor_step(monitor *m, int64_t done, double loss) {
    m->done = done;
    double now = clock_now();
    int terminal = log_is_terminal();
    if (!log_speaks() || now - m->shown < (terminal ? TERMINAL_SECONDS : LOG_SECONDS))
        return;
    m->shown = now;
    double passed = fmax(now - m->start, 1e-9), rate = (double)(done - m->before) / passed;
    double left = rate > 0 ? (double)(m->total - done) / rate : 0;
    char text[240], note[40] = "", speed[40] = "";
    if (!isnan(loss))
        snprintf(note, sizeof note, ", loss %.4f", loss);
    if (m->tokens > 0)
        snprintf(speed, sizeof speed, ", %.0f tokens/s", (double)m->tokens / passed);
    snprintf(text, sizeof text, "%s: %lld of %lld %s, %.1f/s%s%s, %.0f s left", m->stage,
             (long long)done, (long long)m->total, m->unit, rate, speed, note, left);
    if (terminal)
        fprintf(stderr, "\r\033[K%s", text);
    else
        log_info("%s", text);
}

void monitor_end(monitor *m) {
    double seconds = clock_now() - m->start;
    if (log_is_terminal())
        fprintf(stderr, "\r\033[K");
    log_detail("%s: %lld %s in %.1f s", m->stage, (long long)m->done, m->unit, seconds);
}
