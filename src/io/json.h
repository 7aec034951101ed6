/* json.h: jansson with errors of ours. Duplicate keys are refused; messages carry file:line:column.
 */
#ifndef ESPALIER_IO_JSON_H
#define ESPALIER_IO_JSON_H

#include "base/err.h"

#include <jansson.h>

err json_read(const char *path, json_t **out);                    /* caller json_decref */
err json_parse(const char *text, const char *what, json_t **out); /* what: for messages */
/* Sorted keys, indent 2, numbers that read back exactly; whole or not at all. */
err json_write(const char *path, const json_t *j);

/* Required members of an object; ERR_DATA "what: field "k" …" when absent or of another type. */
err json_get_int(const json_t *o, const char *what, const char *key, int64_t lo, int64_t hi,
                 int64_t *out);
err json_get_real(const json_t *o, const char *what, const char *key, double *out);
err json_get_text(const json_t *o, const char *what, const char *key, const char **out);

#endif
