#include "drift.h"

#include "base/arena.h"
#include "base/log.h"
#include "prune/drift.h"
#include "work/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* texts of each kind: enough for a mean, few enough to cost little beside the attack */
enum { TEXTS = 200 };

typedef struct drifting {
    context *c;
    encoder *dense;
    examples clean, attacked;
} drifting;

static const table_model *dense_row(const context *c) {
    for (int i = 0; i < c->n_table; i++)
        if (strcmp(c->table[i].name, "greedy") == 0)
            return &c->table[i];
    return NULL;
}

/* the first attacked texts; changed: those that the attack on the dense model turned over, as it
 * left them */
static err texts(drifting *o, int changed, examples *out) {
    context *c = o->c;
    const table_model *t = dense_row(c);
    dataset d = {.K = c->attacked.K};
    strbuf bytes = {0};
    err e;
    TRY(mem_alloc(TEXTS + 1, sizeof *d.offset, &d.offset));
    TRY(mem_alloc(TEXTS, sizeof *d.label, &d.label));
    for (int i = 0; i < c->attacked.n && d.n < TEXTS; i++) {
        if (changed && (!t || t->results[i].outcome != ATTACK_SUCCESS))
            continue;
        const char *text = changed ? t->results[i].final_text : dataset_text(&c->attacked, i);
        TRY(strbuf_add(&bytes, text, strlen(text) + 1));
        d.label[d.n] = c->attacked.label[i];
        d.offset[++d.n] = (int64_t)bytes.len;
    }
    d.bytes = bytes.text;
    if (d.n > 0)
        TRY(examples_make(&d, c->w, (int)c->s->data.max_length, out));
done:
    free(d.offset);
    free(d.label);
    strbuf_free(&bytes);
    return e;
}

/* "[set, layer, distance, relative, cosine, attention], …"; JSON has no NaN: -1 */
static err add_layers(const drifting *o, const encoder *m, const examples *x, int set,
                      strbuf *record) {
    int L = m->c.L;
    drift_layer *d;
    if (x->n == 0)
        return OK;
    CALL(mem_alloc((size_t)L + 1, sizeof *d, &d));
    err e = drift_measure(o->dense, m, x, d);
    for (int l = 0; l <= L && e == OK; l++)
        e = strbuf_printf(record, "%s[%d, %d, %d, %.12g, %.12g, %.12g, %.12g]",
                          set || l ? ", " : "", set, l, x->n, d[l].distance, d[l].relative,
                          d[l].cosine, isnan(d[l].attention) ? -1.0 : d[l].attention);
    free(d);
    return e;
}

/* "[text, tokens, [weights]], …" of the first texts */
static err add_maps(const drifting *o, const encoder *m, strbuf *record) {
    int n = (int)o->c->s->prune.maps;
    n = n < o->clean.n ? n : o->clean.n;
    err e = OK;
    for (int i = 0; i < n && e == OK; i++) {
        int S = (int)(o->clean.offset[i + 1] - o->clean.offset[i]);
        size_t count = (size_t)m->c.L * (size_t)S * (size_t)S;
        double *map;
        CALL(mem_alloc(count, sizeof *map, &map));
        e = drift_map(m, &o->clean, i, map);
        if (e == OK)
            e = strbuf_printf(record, "%s[%d, %d, [", i ? ", " : "", i, S);
        for (size_t k = 0; k < count && e == OK; k++)
            e = strbuf_printf(record, "%s%.6g", k ? ", " : "", map[k]);
        if (e == OK)
            e = strbuf_printf(record, "]]");
        free(map);
    }
    return e;
}

/* unit 0 is the dense model: its maps alone */
static err compare(void *state, int64_t unit, strbuf *record) {
    drifting *o = state;
    encoder *m = NULL;
    err e;
    if (unit > 0)
        TRY(context_load_model(o->c, o->c->pruned[unit - 1].name, &m));
    const encoder *x = unit > 0 ? m : o->dense;
    TRY(strbuf_printf(record, "{\"layers\": ["));
    if (unit > 0)
        TRY(add_layers(o, x, &o->clean, 0, record));
    if (unit > 0)
        TRY(add_layers(o, x, &o->attacked, 1, record));
    TRY(strbuf_printf(record, "], \"maps\": ["));
    TRY(add_maps(o, x, record));
    TRY(strbuf_printf(record, "]}"));
done:
    encoder_destroy(&m);
    return e;
}

err drift_models(context *c) {
    drifting o = {.c = c};
    const char **names = NULL;
    err e = OK;
    if (c->n_pruned == 0)
        return OK;
    TRY(par_agree(c->p, context_load_model(c, "greedy", &o.dense)));
    e = texts(&o, 0, &o.clean);
    if (e == OK)
        e = texts(&o, 1, &o.attacked);
    if (e == OK)
        e = mem_alloc((size_t)c->n_pruned + 1, sizeof *names, &names);
    TRY(par_agree(c->p, e));
    names[0] = "greedy";
    for (int i = 0; i < c->n_pruned; i++)
        names[i + 1] = c->pruned[i].name;
    units u = {.p = c->p,
               .dir = c->journal,
               .stage = "drift",
               .key = "",
               .noun = "models",
               .n = c->n_pruned + 1,
               .names = names};
    TRY(units_run(&u, compare, &o, &c->drift));
    c->n_drift = (int)u.n;
done:
    encoder_destroy(&o.dense);
    examples_free(&o.clean);
    examples_free(&o.attacked);
    free(names);
    return e;
}
