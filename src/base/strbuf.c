#include "base/strbuf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 64 }; /* bytes that a text begins with */

static err reserve(strbuf *b, size_t extra) {
    size_t want = b->len + extra + 1;
    return mem_grow(want > FIRST ? want : FIRST, 1, &b->text, &b->cap);
}

err strbuf_add(strbuf *b, const char *bytes, size_t n) {
    CALL(reserve(b, n));
    memcpy(b->text + b->len, bytes, n);
    b->len += n;
    b->text[b->len] = '\0';
    return OK;
}

err strbuf_printf(strbuf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0, ERR_FAILED, "strbuf: bad format");
    CALL(reserve(b, (size_t)n));
    va_start(ap, fmt);
    vsnprintf(b->text + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return OK;
}

void strbuf_clear(strbuf *b) {
    b->len = 0;
    if (b->text)
        b->text[0] = '\0';
}

void strbuf_free(strbuf *b) {
    free(b->text);
    *b = (strbuf){0};
}
