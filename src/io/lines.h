/* lines.h: a text file, whole in memory, line by line, checked where it enters.
 *
 * Refused with ERR_DATA "file:line: …": NUL, invalid UTF-8, an empty file. A byte-order mark at the
 * start is skipped, CR before LF is stripped, a missing last newline is fine. */
#ifndef ESPALIER_IO_LINES_H
#define ESPALIER_IO_LINES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lines {
    char *bytes; /* owned; every line is NUL-terminated in place */
    size_t n_bytes;
    char **line; /* (n) */
    int n;
    char path[4096];
} lines;

err lines_read(const char *path, lines *out); /* caller frees with lines_free */
void lines_free(lines *l);

/* ERR_DATA "path:line: …" unless all of text (n bytes) is UTF-8 without NUL; line: number of the
 * first one. */
err lines_check(const char *path, int64_t line, const char *text, size_t n);

/* Split at tabs in place; exactly want columns or ERR_DATA "file:line: expected 2 columns, got 3".
 */
err lines_columns(const lines *l, int line, char *text, char **column, int want);

/* One CSV record from text at *pos (RFC 4180 quotes, "" escapes, may span lines): unescaped in
 * place. *line counts lines for messages. *n columns found, at most cap. *pos = end when done. */
err csv_record(const char *path, char *text, size_t size, size_t *pos, int *line, char **column,
               int cap, int *n);

/* The whole file as bytes (any content), NUL-terminated; caller frees. */
err file_read(const char *path, char **bytes, size_t *n);

#endif
