#include "work/units.h"

#include "base/arena.h"
#include "io/journal.h"
#include "par/preempt.h"
#include "work/shift.h"

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

/* a name that is not on the list is of a unit that was there at another start */
static err from_journal(void *state, const char *key, int64_t unit, const char *record) {
    found *f = state;
    if (!f->u->names)
        return strcmp(key, f->u->key) == 0 ? keep(f, unit, record) : OK;
    for (int64_t i = 0; i < f->u->n; i++)
        if (strcmp(key, f->u->names[i]) == 0)
            return keep(f, i, record);
    return OK;
}

/* records on the wire */
err shift_pack(strbuf *b, int64_t unit, const char *record) {
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
                e = shift_pack(&wire, i, r[i]);
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

static err pack_line(void *state, const char *key, int64_t unit, const char *record) {
    return strbuf_printf(state, "%s\t%lld\t%s\n", key, (long long)unit, record);
}

/* the lines that pack_line made */
static err unpack_lines(char *text, size_t n, units_each each, void *state) {
    for (char *p = text, *end = text + n; p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        char *unit = strchr(p, '\t') + 1, *record = strchr(unit, '\t') + 1;
        unit[-1] = record[-1] = *stop = '\0';
        CALL(each(state, p, strtoll(unit, NULL, 10), record));
        p = stop + 1;
    }
    return OK;
}

err units_read_all(const par *p, const char *dir, const char *stage, units_each each, void *state) {
    strbuf wire = {0};
    char *bytes = NULL;
    size_t n = 0;
    err e = p->rank == 0 ? journal_read(dir, stage, pack_line, &wire) : OK;
    TRY(par_agree(p, e));
    bytes = wire.text;
    n = wire.len;
    TRY(par_bcast_alloc(p, &bytes, &n, 0));
    TRY(par_agree(p, unpack_lines(bytes, n, each, state)));
done:
    if (bytes != wire.text)
        free(bytes);
    strbuf_free(&wire);
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

typedef struct single {
    unit_fn fn;
    void *state;
} single;

static err one_rank(void *state, const par *group, int64_t unit, strbuf *record) {
    const single *s = state;
    (void)group;
    return s->fn(s->state, unit, record);
}

err units_run(const units *u, unit_fn fn, void *state, char ***records) {
    single s = {fn, state};
    units alone = *u;
    alone.ranks = NULL;
    return units_run_groups(&alone, one_rank, &s, records);
}

static err run(const units *u, group_fn fn, crew_fn crew, void *state, char ***records) {
    char **r = NULL;
    strbuf here = {0};
    int64_t n = 0;
    err e;
    TRY(units_read(u, &r));
    TRY(shift_run(u, r, fn, crew, state, &here, &n));
    if (n > 0) {
        TRY(share(u, &here, r));
        TRY(preempt_agree(u->p));
    }
    for (int64_t i = 0; i < u->n; i++)
        ENSURE(r[i], ERR_FAILED, "%s: unit %lld of \"%s\" was not done", u->stage, (long long)i,
               u->key);
    *records = r;
    r = NULL;
done:
    strbuf_free(&here);
    units_free(&r, u->n);
    return e;
}

err units_run_groups(const units *u, group_fn fn, void *state, char ***records) {
    return run(u, fn, NULL, state, records);
}

err units_run_several(const units *u, crew_fn fn, void *state, char ***records) {
    units alone = *u;
    alone.ranks = NULL;
    return run(&alone, NULL, fn, state, records);
}
