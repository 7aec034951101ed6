#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* the one hidden state of the program: like errno, per thread, and only ever read after a failure
 */
static _Thread_local char message[2048];
static _Thread_local char where[128];

err err_raise(err code, const char *file, int line, const char *fmt, ...) {
    const char *slash = strrchr(file, '/');
    snprintf(where, sizeof where, "%s:%d", slash ? slash + 1 : file, line);
    char text[sizeof message]; /* an argument may be the old message itself */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(message, text, sizeof message);
    return code;
}

err err_prefix(err code, const char *fmt, ...) {
    char text[sizeof message];
    memcpy(text, message, sizeof text);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used + 2 < sizeof message) {
        memcpy(message + used, ": ", 2);
        used += 2;
        size_t room = sizeof message - 1 - used, len = strlen(text);
        memcpy(message + used, text, len < room ? len : room);
        message[used + (len < room ? len : room)] = '\0';
    }
    return code;
}

const char *err_message(void) {
    return message;
}

const char *err_where(void) {
    return where;
}

void err_set(const char *new_message, const char *new_where) {
    snprintf(message, sizeof message, "%s", new_message);
    snprintf(where, sizeof where, "%s", new_where);
}
