#include "io/json.h"

#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/lines.h"

#include <stdlib.h>

err json_parse(const char *text, const char *what, json_t **out) {
    json_error_t error;
    *out = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    CHECK(*out, ERR_DATA, "%s:%d:%d: %s", what, error.line, error.column, error.text);
    return OK;
}

err json_read(const char *path, json_t **out) {
    char *text = NULL;
    size_t n = 0;
    json_error_t error;
    CALL(file_read(path, &text, &n));
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    free(text);
    CHECK(*out, ERR_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    return OK;
}

err json_write(const char *path, const json_t *j) {
    char *text = json_dumps(j, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    CHECK(text, ERR_FAILED, "%s: cannot be written as JSON (invalid UTF-8 or out of memory)", path);
    strbuf line = {0};
    err e = strbuf_printf(&line, "%s\n", text);
    free(text);
    if (e == OK)
        e = atomic_write(path, line.text, line.len);
    strbuf_free(&line);
    return e;
}

err json_get_int(const json_t *o, const char *what, const char *key, int64_t lo, int64_t hi,
                 int64_t *out) {
    const json_t *v = json_object_get(o, key);
    CHECK(v, ERR_DATA, "%s: field \"%s\" is missing", what, key);
    CHECK(json_is_integer(v), ERR_DATA, "%s: field \"%s\" is not a whole number", what, key);
    *out = json_integer_value(v);
    CHECK(*out >= lo && *out <= hi, ERR_DATA, "%s: field \"%s\" is %lld, expected %lld to %lld",
          what, key, (long long)*out, (long long)lo, (long long)hi);
    return OK;
}

err json_get_real(const json_t *o, const char *what, const char *key, double *out) {
    const json_t *v = json_object_get(o, key);
    CHECK(v, ERR_DATA, "%s: field \"%s\" is missing", what, key);
    CHECK(json_is_number(v), ERR_DATA, "%s: field \"%s\" is not a number", what, key);
    *out = json_number_value(v);
    return OK;
}

err json_get_text(const json_t *o, const char *what, const char *key, const char **out) {
    const json_t *v = json_object_get(o, key);
    CHECK(v, ERR_DATA, "%s: field \"%s\" is missing", what, key);
    CHECK(json_is_string(v), ERR_DATA, "%s: field \"%s\" is not a text", what, key);
    *out = json_string_value(v);
    return OK;
}
