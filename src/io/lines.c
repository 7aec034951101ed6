#include "io/lines.h"

#include "base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

err file_read(const char *path, char **bytes, size_t *n) {
    char *text = NULL;
    struct stat st;
    err e = OK;
    FILE *f = fopen(path, "rbe");
    CHECK(f, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    ENSURE(fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode), ERR_IO, "%s is not a plain file",
           path);
    TRY(mem_alloc((size_t)st.st_size + 1, 1, &text));
    *n = fread(text, 1, (size_t)st.st_size, f);
    ENSURE(*n == (size_t)st.st_size && !ferror(f), ERR_IO, "%s: read %zu of %lld bytes: %s", path,
           *n, (long long)st.st_size, strerror(errno));
    *bytes = text;
    text = NULL;
done:
    free(text);
    fclose(f);
    return e;
}

/* length of the UTF-8 sequence at s (n bytes left), 0 where it is invalid (RFC 3629) */
static int sequence(const unsigned char *s, size_t n) {
    if (s[0] < 0x80)
        return 1;
    int len = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
    if (s[0] >= 0xf0 && s[0] <= 0xf4)
        len = 4;
    if (len == 0 || (size_t)len > n)
        return 0;
    for (int i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

err lines_check(const char *path, int64_t line, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        CHECK(text[i] != '\0', ERR_DATA, "%s:%lld: a NUL byte; expected text", path,
              (long long)line);
        line += text[i] == '\n';
        int len = sequence((const unsigned char *)text + i, n - i);
        CHECK(len > 0, ERR_DATA, "%s:%lld: invalid UTF-8 (byte 0x%02x); convert the file to UTF-8",
              path, (long long)line, (unsigned char)text[i]);
        i += (size_t)len;
    }
    return OK;
}

err lines_read(const char *path, lines *out) {
    *out = (lines){0};
    snprintf(out->path, sizeof out->path, "%s", path);
    err e;
    TRY(file_read(path, &out->bytes, &out->n_bytes));
    char *text = out->bytes, *end = text + out->n_bytes;
    if (out->n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    ENSURE(text < end, ERR_DATA, "%s:1: the file is empty", path);
    TRY(lines_check(path, 1, text, (size_t)(end - text)));
    size_t count = 0;
    for (char *p = text; p < end; p++)
        count += *p == '\n';
    count += end[-1] != '\n';
    ENSURE(count < INT32_MAX, ERR_DATA, "%s: more than 2^31 lines", path);
    TRY(mem_alloc(count, sizeof *out->line, &out->line));
    while (text < end) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        *stop = '\0';
        if (stop > text && stop[-1] == '\r')
            stop[-1] = '\0';
        out->line[out->n++] = text;
        text = stop + 1;
    }
done:
    if (e != OK)
        lines_free(out);
    return e;
}

void lines_free(lines *l) {
    free(l->bytes);
    free(l->line);
    *l = (lines){0};
}

err lines_columns(const lines *l, int line, char *text, char **column, int want) {
    int n = 0;
    for (char *p = text; p; n++) {
        char *tab = strchr(p, '\t');
        if (n < want)
            column[n] = p;
        p = tab ? tab + 1 : NULL;
        if (tab && n + 1 <= want)
            *tab = '\0';
    }
    CHECK(n == want, ERR_DATA, "%s:%d: expected %d columns, got %d", l->path, line, want, n);
    return OK;
}

/* one field starting at *p: unescaped into place, *p moved behind it, stop = ',' '\n' or 0 */
static err csv_field(const char *path, char **p, char *end, int *line, char **field, char *stop) {
    char *in = *p, *out = *p;
    *field = out;
    if (in < end && *in == '"') {
        int begin = *line;
        for (in++;; in++) {
            CHECK(in < end, ERR_DATA, "%s:%d: a quoted field does not end", path, begin);
            if (*in == '"' && (in + 1 == end || in[1] != '"'))
                break;
            in += *in == '"';
            *line += *in == '\n';
            *out++ = *in;
        }
        in++;
        in += in < end && *in == '\r';
        CHECK(in == end || *in == ',' || *in == '\n', ERR_DATA,
              "%s:%d: expected a comma or the line's end after a quoted field", path, *line);
    } else {
        while (in < end && *in != ',' && *in != '\n')
            in++;
        out = in - (in > *p && in[-1] == '\r');
    }
    *stop = '\0';
    if (in < end)
        *stop = *in;
    *out = '\0';
    *p = in < end ? in + 1 : end;
    return OK;
}

err csv_record(const char *path, char *text, size_t size, size_t *pos, int *line, char **column,
               int cap, int *n) {
    char *p = text + *pos, *end = text + size, stop, *field;
    *n = 0;
    do {
        CALL(csv_field(path, &p, end, line, &field, &stop));
        if (*n < cap)
            column[*n] = field;
        (*n)++;
    } while (stop == ',');
    *line += stop == '\n';
    *pos = (size_t)(p - text);
    return OK;
}
