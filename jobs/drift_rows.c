/* rows of what pruning changed: /drift, /maps, /curves */
#include "drift.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define TEXT(field, text) store_text(field, sizeof field, text)

static double number(const json_t *list, size_t i) {
    return json_number_value(json_array_get(list, i));
}

static err layer_row(store_content *s, const char *model, const json_t *j) {
    static const char *const sets[] = {"clean", "attacked"};
    store_drift *r;
    CALL(store_add_drift(s, &r));
    TEXT(r->model, model);
    TEXT(r->texts, sets[number(j, 0) > 0.0]);
    r->layer = (int64_t)number(j, 1);
    r->n = (int64_t)number(j, 2);
    r->distance = number(j, 3);
    r->relative = number(j, 4);
    r->cosine = number(j, 5);
    r->attention = number(j, 6) < 0.0 ? (double)NAN : number(j, 6);
    return OK;
}

static err map_rows(store_content *s, const char *model, const json_t *j) {
    const json_t *weights = json_array_get(j, 2);
    size_t S = (size_t)number(j, 1), n = json_array_size(weights);
    for (size_t i = 0; i < n; i++) {
        store_map *r;
        CALL(store_add_maps(s, &r));
        TEXT(r->model, model);
        r->text = (int64_t)number(j, 0);
        r->layer = (int64_t)(i / (S * S));
        r->query = (int64_t)(i / S % S);
        r->key = (int64_t)(i % S);
        r->weight = number(weights, i);
    }
    return OK;
}

static err record_rows(store_content *s, const char *model, const char *record) {
    json_t *j = json_loads(record, 0, NULL), *x;
    size_t i;
    err e = OK;
    ENSURE(j, ERR_DATA, "journal of drift: %s: not JSON", model);
    json_array_foreach(json_object_get(j, "layers"), i, x) TRY(layer_row(s, model, x));
    json_array_foreach(json_object_get(j, "maps"), i, x) TRY(map_rows(s, model, x));
done:
    json_decref(j);
    return e;
}

err drift_rows(store_content *s, const context *c) {
    for (int i = 0; i < c->n_drift; i++)
        CALL(record_rows(s, i == 0 ? "greedy" : c->pruned[i - 1].name, c->drift[i]));
    return OK;
}

/* mean over the linears that lost something */
static double mean_error(const pruned_model *m) {
    double sum = 0.0;
    int n = 0;
    for (int i = 0; i < m->n; i++)
        if (m->layers[i].removed > 0) {
            sum += m->layers[i].error;
            n++;
        }
    return n ? sum / n : (double)NAN;
}

static err curve_row(store_content *s, const context *c, const pruned_model *m, const char *axis,
                     double at) {
    const table_model *t = c->table;
    store_curve *r;
    while (strcmp(t->name, m->name) != 0)
        t++;
    CALL(store_add_curves(s, &r));
    TEXT(r->axis, axis);
    TEXT(r->method, m->method);
    TEXT(r->model, m->name);
    r->at = at;
    r->n = t->counts.n;
    r->acc = metrics_acc(&t->counts);
    r->aua = metrics_aua(&t->counts);
    r->asr = metrics_asr(&t->counts);
    r->error = mean_error(m);
    return OK;
}

err drift_curves(store_content *s, const context *c) {
    const pruned_model *first = c->pruned;
    int sizes = 0;
    for (int i = 0; i < c->n_pruned; i++)
        sizes += c->pruned[i].calibration > 0;
    for (int i = 0; i < c->n_pruned; i++) {
        const pruned_model *m = &c->pruned[i];
        if (!m->pattern[0] && m->calibration == 0)
            CALL(curve_row(s, c, m, "sparsity", m->sparsity));
    }
    for (int i = 0; i < c->n_pruned && sizes > 0; i++) {
        const pruned_model *m = &c->pruned[i];
        if (m->calibration > 0 || m == first)
            CALL(curve_row(s, c, m, "calibration",
                           (double)(m->calibration ? m->calibration : c->s->prune.calibration)));
    }
    return OK;
}
