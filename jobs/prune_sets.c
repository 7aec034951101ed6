#include "prune_sets.h"

#include "base/arena.h"

#include <stdlib.h>

static int least(int a, int b) {
    return a < b ? a : b;
}

int prune_sets_ranks(const context *c) {
    int64_t each = c->s->prune.ranks_per_model;
    return each > 0 && each < c->p->size ? (int)each : c->p->size;
}

/* models a set, so that no group of ranks is idle while another has several */
static int set_size(const context *c, int missing, int ranks) {
    int groups = (c->p->size + ranks - 1) / ranks;
    return least((int)c->s->prune.together, (missing + groups - 1) / groups);
}

err prune_sets_make(context *c, prune_sets *out) {
    err e = OK;
    int ranks = prune_sets_ranks(c), missing = 0;
    size_t room = (size_t)c->n_pruned + 1;
    *out = (prune_sets){.c = c};
    TRY(mem_alloc(room, sizeof *out->first, &out->first));
    TRY(mem_alloc(room, sizeof *out->model, &out->model));
    TRY(mem_alloc(room, sizeof *out->names, &out->names));
    TRY(mem_alloc(room, sizeof *out->ranks, &out->ranks));
    for (int i = 0; i < c->n_pruned; i++)
        if (!c->pruned[i].recorded)
            out->model[missing++] = i;
    for (int at = 0, most = set_size(c, missing, ranks); at < missing;) {
        const pruned_model *m = &c->pruned[out->model[at]];
        out->names[out->n] = m->name;
        out->ranks[out->n] = ranks;
        int end = at + 1;
        while (end < least(at + most, missing) &&
               c->pruned[out->model[end]].calibration == m->calibration)
            end++;
        out->first[++out->n] = at = end;
    }
done:
    if (e != OK)
        prune_sets_free(out);
    return e;
}

void prune_sets_free(prune_sets *s) {
    free(s->first);
    free(s->model);
    free(s->names);
    free(s->ranks);
    *s = (prune_sets){0};
}
