#include "par/runs.h"

#include "base/arena.h"
#include "par/shared.h"

#include <stdatomic.h>
#include <stdlib.h>

/* one rank's, in a cache line of its own */
typedef struct run {
    _Atomic int64_t next;
    int64_t end;
    char rest[48];
} run;

struct runs {
    shared *room;
    run *of; // (ranks of the node)
    int n;
};

err runs_open(const par *p, int64_t first, int64_t end, runs **out) {
    runs *r = NULL;
    err e = mem_alloc(1, sizeof *r, &r);
    TRY(par_agree(p, e));
    TRY(shared_create(p, (size_t)p->size * sizeof *r->of, &r->room));
    r->of = r->room->block;
    r->n = r->room->node->size;
    run *own = &r->of[r->room->node->rank];
    atomic_init(&own->next, first);
    own->end = end;
    TRY(par_agree(p, shared_sync(r->room)));
    *out = r;
    return OK;
done:
    runs_close(&r);
    return e;
}

static int64_t left(run *r) {
    return r->end - atomic_load(&r->next);
}

/* of the own run, else of the one with the most left; NULL: none has any */
static run *choose(runs *r) {
    run *best = &r->of[r->room->node->rank];
    if (left(best) > 0)
        return best;
    for (int k = 0; k < r->n; k++)
        if (left(&r->of[k]) > left(best))
            best = &r->of[k];
    return left(best) > 0 ? best : NULL;
}

int64_t runs_next(runs *r) {
    for (run *at = choose(r); at; at = choose(r)) {
        int64_t position = atomic_fetch_add(&at->next, 1);
        if (position < at->end) /* else another rank was faster */
            return position;
    }
    return -1;
}

void runs_stop(runs *r) {
    for (int k = 0; k < r->n; k++)
        atomic_store(&r->of[k].next, r->of[k].end);
}

void runs_close(runs **r) {
    if (!*r)
        return;
    shared_destroy(&(*r)->room);
    free(*r);
    *r = NULL;
}
