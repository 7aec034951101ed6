/* what the journal keeps of a pruned model: its layers, one JSON list */
#include "prune_rows.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* JSON has no NaN: what was not measured is written as -1 */
static double written(double x) {
    return isnan(x) ? -1.0 : x;
}

static double read_back(double x) {
    return x < 0.0 ? NAN : x;
}

err prune_rows_write(const prune_layer *rows, int n, strbuf *record) {
    CALL(strbuf_printf(record, "["));
    for (int i = 0; i < n; i++) {
        const prune_layer *r = &rows[i];
        CALL(strbuf_printf(
            record, "%s[%d, \"%s\", %d, %d, %lld, %lld, %.17g, %d, %.17g, %.17g, %.17g, \"%s\"]",
            i ? ", " : "", r->layer, r->linear, r->out, r->in, (long long)r->removed,
            (long long)r->swapped, r->damping, r->retries, written(r->condition),
            written(r->residual), written(r->error), r->factorisation));
    }
    return strbuf_printf(record, "]");
}

err prune_rows_read(const char *record, prune_layer *rows, int *n) {
    json_t *j = json_loads(record, 0, NULL);
    CHECK(j && (int)json_array_size(j) <= *n, ERR_DATA, "journal of prune: not a list of layers");
    *n = (int)json_array_size(j);
    int ok = 1;
    for (int i = 0; i < *n; i++) {
        prune_layer *r = &rows[i];
        const char *linear = "", *factorisation = "";
        json_int_t removed = 0, swapped = 0;
        ok &= json_unpack(json_array_get(j, (size_t)i), "[i, s, i, i, I, I, F, i, F, F, F, s]",
                          &r->layer, &linear, &r->out, &r->in, &removed, &swapped, &r->damping,
                          &r->retries, &r->condition, &r->residual, &r->error, &factorisation) == 0;
        r->removed = removed;
        r->swapped = swapped;
        snprintf(r->linear, sizeof r->linear, "%s", linear);
        snprintf(r->factorisation, sizeof r->factorisation, "%s", factorisation);
        r->condition = read_back(r->condition);
        r->residual = read_back(r->residual);
        r->error = read_back(r->error);
    }
    json_decref(j);
    CHECK(ok, ERR_DATA, "journal of prune: a row is not what it should be");
    return OK;
}
