#include "work/shift.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/monitor.h"
#include "io/journal.h"
#include "par/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* the missing units for one size of group, or those where one rank of a crew begins, in the order
 * in which they are handed out */
typedef struct level {
    int ranks;
    int home;         /* rank of a crew; a group's: 0 */
    int64_t first, n; /* of shift.missing */
} level;

typedef struct units_hand shift;

struct units_hand {
    const units *u;
    group_fn fn;
    crew_fn crew;
    void *state;
    int64_t *missing; /* (n) units, by level */
    int64_t n;
    level *levels; /* (n_levels), larger groups first; of a crew by rank */
    int n_levels;
    int own, emptied; /* of a crew: level where this rank began, levels it found empty since */
    queue *q;         /* a part a level */
    journal *j;
    strbuf *here;
    strbuf record;
    monitor mon;
    int64_t left; /* for all ranks of a crew, as far as this one knows */
};

/* how many ranks work on a unit here */
static int ranks_of(const units *u, int64_t unit) {
    int64_t want = u->ranks ? u->ranks[unit] : 1;
    return want > u->p->size ? u->p->size : want < 1 ? 1 : (int)want;
}

/* the units that have no record and are for so many ranks, in the order asked for; of a crew those
 * where rank `home` begins: the same ones whatever is missing */
static err list_level(shift *w, char *const *records, int ranks, int home) {
    const units *u = w->u;
    const int stride = w->crew ? u->p->size : 1;
    level *l = &w->levels[w->n_levels];
    *l = (level){.ranks = ranks, .home = home, .first = w->n};
    for (int64_t i = home; i < u->n; i += stride) {
        int64_t unit = u->order ? u->order[i] : i;
        CHECK(unit >= 0 && unit < u->n, ERR_FAILED, "%s: unit %lld in the order of %lld", u->stage,
              (long long)unit, (long long)u->n);
        if (!records[unit] && ranks_of(u, unit) == ranks)
            w->missing[w->n++] = unit;
    }
    l->n = w->n - l->first;
    w->n_levels += l->n > 0;
    return OK;
}

/* where this rank begins: its own level, or the next one that has units */
static int own_level(const shift *w) {
    for (int k = 0; k < w->n_levels; k++)
        if (w->levels[k].home >= w->u->p->rank)
            return k;
    return 0;
}

static err list_missing(shift *w, char *const *records) {
    const units *u = w->u;
    CHECK(!strpbrk(u->key, "\t\n"), ERR_FAILED, "%s: the key \"%s\" has a tab or newline", u->stage,
          u->key);
    CALL(mem_alloc((size_t)u->n + 1, sizeof *w->missing, &w->missing));
    CALL(mem_alloc((size_t)u->p->size + 1, sizeof *w->levels, &w->levels));
    for (int ranks = u->ranks ? u->p->size : 1; ranks >= 1; ranks--)
        CALL(list_level(w, records, ranks, 0));
    for (int home = 1; home < u->p->size && w->crew; home++)
        CALL(list_level(w, records, 1, home));
    w->own = own_level(w);
    w->left = w->n;
    if (u->title && w->n < u->n)
        log_info("%s: %lld of %lld %s were done before", u->title, (long long)(u->n - w->n),
                 (long long)u->n, u->noun);
    return OK;
}

/* the record of a unit, kept by the group's rank 0 */
static err keep(shift *w, int64_t unit, const char *text) {
    const units *u = w->u;
    CHECK(text && !strchr(text, '\n'), ERR_FAILED, "%s: a record must be one line", u->stage);
    if (w->j)
        CALL(journal_append(w->j, u->names ? u->names[unit] : u->key, u->names ? 0 : unit, text));
    return shift_pack(w->here, unit, text);
}

/* one group takes units of a level until there are none. Collective over group. */
static err drain(shift *w, int k, const par *group) {
    const level *l = &w->levels[k];
    for (;;) {
        int64_t position = -1;
        CALL(par_agree(group, group->rank == 0 ? queue_next_of(w->q, k, &position) : OK));
        CALL(par_bcast(group, &position, sizeof position, 0));
        if (position < 0)
            return OK;
        int64_t unit = w->missing[l->first + position];
        strbuf_clear(&w->record);
        CALL(par_agree(group, w->fn(w->state, group, unit, &w->record)));
        CALL(par_agree(group, group->rank == 0 ? keep(w, unit, w->record.text) : OK));
        if (w->u->title)
            monitor_step(&w->mon, l->first + position + 1, NAN);
    }
}

/* what is left of a level stands for those that this rank has not found empty */
err units_take(units_hand *w, int64_t *unit) {
    for (*unit = -1; w->emptied < w->n_levels && *unit < 0; w->emptied += *unit < 0) {
        const int k = (w->own + w->emptied) % w->n_levels;
        const level *l = &w->levels[k];
        int64_t position;
        CALL(queue_next_of(w->q, k, &position));
        if (position >= 0)
            *unit = w->missing[l->first + position];
        w->left = position < 0 ? 0 : (l->n - position - 1) * (w->n_levels - w->emptied);
    }
    return OK;
}

int64_t units_left(const units_hand *w) {
    return w->left;
}

err units_done(units_hand *w, int64_t unit, const char *record) {
    CALL(keep(w, unit, record));
    if (w->u->title)
        monitor_step(&w->mon, w->n - w->left, NAN);
    return OK;
}

/* This rank's part: level by level, in groups that split when there is nothing for their size. A
 * group that is too small for the next level (left over) takes its units all the same. */
static err work(shift *w) {
    par *own = NULL;
    const par *group = w->u->p;
    const par alone = par_alone();
    err e = w->crew ? w->crew(w->state, w) : OK;
    for (int k = 0; k < w->n_levels && e == OK && !w->crew; k++) {
        const level *l = &w->levels[k];
        if (group->size > l->ranks) {
            par *smaller = NULL;
            if (l->ranks > 1)
                e = par_split(group, group->rank / l->ranks, &smaller);
            par_close(&own);
            own = smaller;
            group = own ? own : &alone;
        }
        if (e == OK)
            e = drain(w, k, group);
    }
    par_close(&own);
    if (e != OK)
        queue_stop(w->q);
    return e;
}

static err open_queue(shift *w) {
    const units *u = w->u;
    int64_t *n = NULL;
    err e = u->dir ? journal_open(u->dir, u->stage, u->p->rank, &w->j) : OK;
    if (e == OK)
        e = mem_alloc((size_t)w->n_levels, sizeof *n, &n);
    e = par_agree(u->p, e);
    for (int k = 0; k < w->n_levels && e == OK; k++)
        n[k] = w->levels[k].n;
    if (e == OK)
        e = queue_open_parts(u->p, n, w->n_levels, QUEUE_SHARED, &w->q);
    free(n);
    return e;
}

err shift_run(const units *u, char *const *records, group_fn fn, crew_fn crew, void *state,
              strbuf *here, int64_t *n) {
    shift w = {.u = u, .fn = fn, .crew = crew, .state = state, .here = here};
    err e, closed;
    TRY(par_agree(u->p, list_missing(&w, records)));
    *n = w.n;
    if (w.n == 0)
        goto done;
    if (u->title)
        monitor_begin(&w.mon, u->title, u->noun, w.n);
    TRY(open_queue(&w));
    e = work(&w);
    closed = queue_close(&w.q);
    if (u->title)
        monitor_end(&w.mon);
    e = par_agree(u->p, e == OK ? closed : e);
done:
    journal_close(&w.j);
    strbuf_free(&w.record);
    free(w.missing);
    free(w.levels);
    return e;
}
