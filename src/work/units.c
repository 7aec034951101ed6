#include "work/units.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/monitor.h"
#include "io/journal.h"
#include "par/preempt.h"
#include "par/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* rank 0 while it reads the journals of all ranks */
typedef struct found {
    const units *u;
    char **records;
} found;

static err keep(found *f, int64_t unit, const char *record) {
    CHECK(unit >= 0 && unit < f->u->n, ERR_DATA,
          "%s: journal of %s: unit %lld of \"%s\", but there are %lld", f->u->dir, f->u->stage,
          (long long)unit, f->u->key, (long long)f->u->n);
    if (f->records[unit]) {
        CHECK(strcmp(f->records[unit], record) == 0, ERR_DATA,
              "%s: journal of %s: unit %lld of \"%s\" was done twice with different results; "
              "remove the stage's journals to do it again",
              f->u->dir ? f->u->dir : "no folder", f->u->stage, (long long)unit, f->u->key);
        return OK;
    }
    f->records[unit] = strdup(record);
    CHECK(f->records[unit], ERR_FAILED, "out of memory");
    return OK;
}

static err from_journal(void *state, const char *key, int64_t unit, const char *record) {
    found *f = state;
    return strcmp(key, f->u->key) == 0 ? keep(f, unit, record) : OK;
}

/* records on the wire: UNIT<TAB>RECORD<NL> … */
static err pack_one(strbuf *b, int64_t unit, const char *record) {
    return strbuf_printf(b, "%lld\t%s\n", (long long)unit, record);
}

static err unpack(found *f, char *text, size_t n) {
    for (char *p = text, *end = text + n; p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p)), *tab = strchr(p, '\t');
        *stop = '\0';
        CALL(keep(f, strtoll(p, NULL, 10), tab + 1));
        p = stop + 1;
    }
    return OK;
}

err units_read(const units *u, char ***records) {
    strbuf wire = {0};
    char **r = NULL, *bytes = NULL;
    size_t n = 0;
    err e = mem_alloc((size_t)u->n + 1, sizeof *r, &r);
    found f = {u, r};
    if (e == OK && u->p->rank == 0 && u->dir) {
        e = journal_read(u->dir, u->stage, from_journal, &f);
        for (int64_t i = 0; e == OK && i < u->n; i++)
            if (r[i])
                e = pack_one(&wire, i, r[i]);
    }
    TRY(par_agree(u->p, e));
    bytes = wire.text;
    n = wire.len;
    TRY(par_bcast_alloc(u->p, &bytes, &n, 0));
    e = u->p->rank == 0 ? OK : unpack(&f, bytes, n);
    TRY(par_agree(u->p, e));
    *records = r;
    r = NULL;
done:
    if (bytes != wire.text)
        free(bytes);
    strbuf_free(&wire);
    if (r)
        units_free(&r, u->n);
    return e;
}

void units_free(char ***records, int64_t n) {
    if (!*records)
        return;
    for (int64_t i = 0; i < n; i++)
        free((*records)[i]);
    free(*records);
    *records = NULL;
}

/* positions of the queue → units that have no record, in the order asked for */
static err list_missing(const units *u, char **records, int64_t *missing, int64_t *n) {
    CHECK(!strpbrk(u->key, "\t\n"), ERR_FAILED, "%s: the key \"%s\" has a tab or newline", u->stage,
          u->key);
    *n = 0;
    for (int64_t i = 0; i < u->n; i++) {
        int64_t unit = u->order ? u->order[i] : i;
        CHECK(unit >= 0 && unit < u->n, ERR_FAILED, "%s: unit %lld in the order of %lld", u->stage,
              (long long)unit, (long long)u->n);
        if (!records[unit])
            missing[(*n)++] = unit;
    }
    if (u->title && *n < u->n)
        log_info("%s: %lld of %lld %s were done before", u->title, (long long)(u->n - *n),
                 (long long)u->n, u->noun);
    return OK;
}

/* this rank's part of the work: units until there are none, or until one fails */
static err work(const units *u, unit_fn fn, void *state, const int64_t *missing, int64_t n,
                queue *q, journal *j, strbuf *done_here) {
    strbuf record = {0};
    monitor mon = {0};
    err e = OK;
    if (u->title)
        monitor_begin(&mon, u->title, u->noun, n);
    for (;;) {
        int64_t position;
        TRY(queue_next(q, &position));
        if (position < 0)
            break;
        strbuf_clear(&record);
        TRY(fn(state, missing[position], &record));
        ENSURE(record.text && !strchr(record.text, '\n'), ERR_FAILED,
               "%s: a record must be one line", u->stage);
        if (j)
            TRY(journal_append(j, u->key, missing[position], record.text));
        TRY(pack_one(done_here, missing[position], record.text));
        if (u->title)
            monitor_step(&mon, position + 1, NAN);
    }
done:
    if (e != OK)
        queue_stop(q);
    if (u->title)
        monitor_end(&mon);
    strbuf_free(&record);
    return e;
}

/* every rank's new records to every rank */
static err share(const units *u, const strbuf *here, char **records) {
    found f = {u, records};
    char *all = NULL;
    size_t *offsets = NULL;
    CALL(par_allgather(u->p, here->text ? here->text : "", here->len, &all, &offsets));
    err e = unpack(&f, all, offsets[u->p->size]);
    free(all);
    free(offsets);
    return par_agree(u->p, e);
}

err units_run(const units *u, unit_fn fn, void *state, char ***records) {
    char **r = NULL;
    int64_t *missing = NULL, n = 0;
    queue *q = NULL;
    journal *j = NULL;
    strbuf here = {0};
    err e, closed;
    TRY(units_read(u, &r));
    TRY(par_agree(u->p, mem_alloc((size_t)u->n + 1, sizeof *missing, &missing)));
    TRY(par_agree(u->p, list_missing(u, r, missing, &n)));
    if (n > 0) {
        e = u->dir ? journal_open(u->dir, u->stage, u->p->rank, &j) : OK;
        TRY(par_agree(u->p, e));
        TRY(queue_open(u->p, n, &q));
        e = work(u, fn, state, missing, n, q, j, &here);
        closed = queue_close(&q);
        TRY(par_agree(u->p, e == OK ? closed : e));
        TRY(share(u, &here, r));
        TRY(preempt_agree(u->p));
    }
    for (int64_t i = 0; i < u->n; i++)
        ENSURE(r[i], ERR_FAILED, "%s: unit %lld of \"%s\" was not done", u->stage, (long long)i,
               u->key);
    *records = r;
    r = NULL;
done:
    journal_close(&j);
    strbuf_free(&here);
    free(missing);
    units_free(&r, u->n);
    return e;
}
