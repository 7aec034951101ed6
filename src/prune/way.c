#include "prune/way.h"

#include <limits.h>
#include <string.h>

static int is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* what is adaptive where the method does not say it by hand */
static void natural(const method_text *m, const prune_options *o, way *w) {
    if (is(m->base, "adaptive")) {
        w->prefix = is(o->hessian, "adaptive");
        w->fitted = is(o->target, "adaptive");
    } else {
        w->prefix = !is(m->base, "obc");
    }
}

err way_of(const char *method, const prune_options *o, way *out) {
    method_text m;
    *out = (way){0};
    CALL(method_parse(method, &m));
    CALL(rows_method_of(m.base, &out->rows));
    natural(&m, o, out);
    if (m.hessian >= 0) {
        out->prefix = m.hessian;
        out->fitted = m.target;
    }
    out->global = is(m.base, "magnitude-global");
    out->refit = m.refit;
    out->swaps = !m.swaps ? 0 : o->swaps > 0 ? (int)o->swaps : INT_MAX;
    /* what only takes weights away leaves the rest of the model as it is */
    int updates = out->rows == ROWS_OBS || out->rows == ROWS_SPARSEGPT || out->fitted ||
                  out->refit || out->swaps > 0;
    out->bias = updates && o->refit_bias;
    out->head = o->refit_head && (is(m.base, "adaptive") || out->fitted);
    return OK;
}
