#include "prune_sets.h"

#include "base/arena.h"
#include "base/log.h"
#include "sweep/available.h"

#include <stdlib.h>

static int least(int a, int b) {
    return a < b ? a : b;
}

int prune_sets_ranks(const context *c) {
    int64_t each = c->s->prune.ranks_per_model;
    return each > 0 && each < c->p->size ? (int)each : c->p->size;
}

/* models a set, so that no group of ranks is idle while another has several, and no rank holds more
 * than there is */
static int set_size(const prune_sets *s, const available *room, int missing, int ranks) {
    const context *c = s->c;
    int groups = (c->p->size + ranks - 1) / ranks;
    int most = least((int)c->s->prune.together, (missing + groups - 1) / groups);
    for (; most > 1; most--) {
        prune_need n = prune_memory(&s->dense->c, &c->s->prune, most, ranks);
        if (n.parameters + n.states + n.sums + room->held <= room->bytes)
            break;
    }
    log_detail("models go together by %d", most);
    return most;
}

static err lists_create(size_t n, prune_sets *s) {
    CALL(mem_alloc(n, sizeof *s->first, &s->first));
    CALL(mem_alloc(n, sizeof *s->model, &s->model));
    CALL(mem_alloc(n, sizeof *s->names, &s->names));
    return mem_alloc(n, sizeof *s->ranks, &s->ranks);
}

err prune_sets_make(context *c, const encoder *dense, prune_sets *out) {
    err e;
    available room;
    int ranks = prune_sets_ranks(c), missing = 0;
    *out = (prune_sets){.c = c, .dense = dense};
    TRY(available_memory(c->p, &room));
    TRY(par_agree(c->p, lists_create((size_t)c->n_pruned + 1, out)));
    for (int i = 0; i < c->n_pruned; i++)
        if (!c->pruned[i].recorded)
            out->model[missing++] = i;
    for (int at = 0, most = set_size(out, &room, missing, ranks); at < missing;) {
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
