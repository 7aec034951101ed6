/* what the journal keeps of pruned models that went together: by name, each one's layers as a JSON
 * list */
#include "prune_rows.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* JSON has no NaN: what was not measured is written as -1 */
static double written(double x) {
    return isnan(x) ? -1.0 : x;
}

static double read_back(double x) {
    return x < 0.0 ? NAN : x;
}

static err write_layers(const prune_layer *rows, int n, strbuf *record) {
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

err prune_rows_write(const context *c, const int *model, int n, prune_layer *const *rows,
                     const int *counts, strbuf *record) {
    for (int i = 0; i < n; i++) {
        CALL(strbuf_printf(record, "%s\"%s\": ", i ? ", " : "{", c->pruned[model[i]].name));
        CALL(write_layers(rows[i], counts[i], record));
    }
    return strbuf_printf(record, "}");
}

static err read_layers(const json_t *j, prune_layer *rows, int *n) {
    CHECK(json_is_array(j) && (int)json_array_size(j) <= *n, ERR_DATA,
          "journal of prune: not a list of layers");
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
    CHECK(ok, ERR_DATA, "journal of prune: a row is not what it should be");
    return OK;
}

static err read_model(context *c, const char *name, const json_t *layers) {
    for (int i = 0; i < c->n_pruned; i++) {
        pruned_model *m = &c->pruned[i];
        if (strcmp(m->name, name) != 0 || m->recorded)
            continue;
        CALL(read_layers(layers, m->layers, &m->n));
        m->recorded = 1;
    }
    return OK;
}

err prune_rows_read(context *c, const char *record) {
    json_t *j = json_loads(record, 0, NULL), *layers;
    const char *name;
    err e = OK;
    ENSURE(json_is_object(j), ERR_DATA, "journal of prune: not layers by the names of models");
    json_object_foreach(j, name, layers) {
        TRY(read_model(c, name, layers));
    }
done:
    json_decref(j);
    return e;
}
