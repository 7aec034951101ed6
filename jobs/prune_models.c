/* the pruned models that a study asks for */
#include "prune_rows.h"

#include "base/arena.h"
#include "config/method.h"

#include <stdio.h>
#include <string.h>

static err add_model(context *c, const char *method, double sparsity, const char *pattern, int L) {
    pruned_model *m = &c->pruned[c->n_pruned++];
    char blocks[16] = "";
    int keep, of, block;
    m->sparsity = sparsity;
    m->n = 6 * L + 2;
    snprintf(m->method, sizeof m->method, "%.47s", method);
    snprintf(m->name, sizeof m->name, "greedy-%.40s-%g", method, 100.0 * sparsity);
    snprintf(m->amount, sizeof m->amount, "%g %%", 100.0 * sparsity);
    if (pattern) {
        CALL(method_pattern(pattern, &keep, &of, &block));
        m->sparsity = 1.0 - (double)keep / of;
        if (block > 1)
            snprintf(blocks, sizeof blocks, "x%d", block);
        snprintf(m->pattern, sizeof m->pattern, "%d:%d%s", keep, of, blocks);
        snprintf(m->amount, sizeof m->amount, "%s", m->pattern);
        snprintf(m->name, sizeof m->name, "greedy-%.40s-%din%d%s", method, keep, of, blocks);
    }
    return mem_alloc((size_t)m->n, sizeof *m->layers, &m->layers);
}

/* the first method at its first sparsity, with so many sentences of calibration */
static err add_size(context *c, int size, int L) {
    const prune_options *o = &c->s->prune;
    CALL(add_model(c, o->methods.v[0], o->sparsity.v[0], NULL, L));
    pruned_model *m = &c->pruned[c->n_pruned - 1];
    size_t n = strlen(m->name), k = strlen(m->amount);
    m->calibration = size;
    snprintf(m->name + n, sizeof m->name - n, "-c%d", size);
    snprintf(m->amount + k, sizeof m->amount - k, ", %d texts", size);
    return OK;
}

err prune_list(context *c, int L) {
    const prune_options *o = &c->s->prune;
    int each = o->sparsity.n + o->patterns.n;
    int sizes = o->methods.n && o->sparsity.n ? o->calibration_sizes.n : 0;
    CALL(mem_alloc((size_t)(o->methods.n * each + sizes) + 1, sizeof *c->pruned, &c->pruned));
    for (int i = 0; i < o->methods.n; i++) {
        for (int k = 0; k < o->sparsity.n; k++)
            CALL(add_model(c, o->methods.v[i], o->sparsity.v[k], NULL, L));
        for (int k = 0; k < o->patterns.n; k++)
            CALL(add_model(c, o->methods.v[i], 0.0, o->patterns.v[k], L));
    }
    for (int k = 0; k < sizes; k++)
        CALL(add_size(c, (int)o->calibration_sizes.v[k], L));
    return OK;
}
