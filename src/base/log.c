#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* set once by main before any work; read only afterwards */
static int speaks = 1;
static log_level level = LOG_NORMAL;

void log_open(int rank, log_level new_level) {
    speaks = rank == 0;
    level = new_level;
}

int log_speaks(void) {
    return speaks;
}

int log_is_terminal(void) {
    return speaks && level != LOG_QUIET && isatty(STDERR_FILENO);
}

static void line(const char *prefix, const char *fmt, va_list ap) {
    char text[4096];
    vsnprintf(text, sizeof text, fmt, ap);
    fprintf(stderr, "%s%s\n", prefix, text); /* one call: lines of ranks do not mix */
}

#define LOG_BODY(condition, prefix)                                                                \
    if (!speaks || !(condition))                                                                   \
        return;                                                                                    \
    va_list ap;                                                                                    \
    va_start(ap, fmt);                                                                             \
    line(prefix, fmt, ap);                                                                         \
    va_end(ap)

void log_info(const char *fmt, ...) {
    LOG_BODY(level >= LOG_NORMAL, "");
}

void log_detail(const char *fmt, ...) {
    LOG_BODY(level >= LOG_VERBOSE, "");
}

void log_warning(const char *fmt, ...) {
    LOG_BODY(1, "warning: ");
}

void log_error(const char *fmt, ...) {
    LOG_BODY(1, "error: ");
}
