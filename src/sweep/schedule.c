#include "sweep/schedule.h"

#include "base/arena.h"

#include <stdlib.h>

/* ranks that work together, and when they are free */
typedef struct team {
    int size;
    double free;
} team;

/* Every team larger than size becomes teams of it and one of what is left over. */
static int split(team *t, int n, int size) {
    int all = n;
    for (int i = 0; i < n; i++)
        while (t[i].size > size) {
            t[all++] = (team){size, t[i].free};
            t[i].size -= size;
        }
    return all;
}

/* the larger of two that are free at the same time */
static team *first_free(team *t, int n) {
    team *first = t;
    for (int i = 1; i < n; i++)
        if (t[i].free < first->free || (t[i].free <= first->free && t[i].size > first->size))
            first = &t[i];
    return first;
}

static int64_t within(int64_t want, int ranks) {
    return want < 1 ? 1 : want < ranks ? want : ranks;
}

err schedule_predict(const double *seconds, const int64_t *want, const int64_t *order, int n,
                     int ranks, schedule *out) {
    team *t = NULL;
    double work = 0;
    int teams = 1;
    CALL(mem_alloc((size_t)ranks, sizeof *t, &t));
    t[0] = (team){ranks, 0};
    *out = (schedule){0};
    for (int size = ranks; size >= 1; size--) {
        int some = 0;
        for (int i = 0; i < n; i++)
            some |= within(want[order[i]], ranks) == size;
        if (some)
            teams = split(t, teams, size);
        for (int i = 0; i < n && some; i++) {
            if (within(want[order[i]], ranks) != size)
                continue;
            team *x = first_free(t, teams);
            x->free += seconds[order[i]] / x->size;
            work += seconds[order[i]];
        }
    }
    for (int i = 0; i < teams; i++)
        out->wall = t[i].free > out->wall ? t[i].free : out->wall;
    out->busy = out->wall > 0 ? work / (ranks * out->wall) : 1;
    free(t);
    return OK;
}
