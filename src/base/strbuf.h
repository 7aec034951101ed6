/* strbuf.h: text that grows. Zero-initialise, append, read .text, free. */
#ifndef ESPALIER_BASE_STRBUF_H
#define ESPALIER_BASE_STRBUF_H

#include "base/err.h"

#include <stddef.h>

typedef struct strbuf {
    char *text; /* NUL-terminated once anything was appended; NULL before */
    size_t len, cap;
} strbuf;

err strbuf_add(strbuf *b, const char *bytes, size_t n);
err strbuf_printf(strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_clear(strbuf *b); /* length 0, keeps the memory */
void strbuf_free(strbuf *b);

#endif
