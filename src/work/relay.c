#include "work/relay.h"

#include "base/arena.h"
#include "par/preempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* what rank 0 has read of one file */
typedef struct reader {
    FILE *f;
    const char *name;
    char *text; /* (cap + 1) */
    size_t n, cap;
    size_t cut;   /* whole lines end here; what is behind belongs to the next round */
    int64_t line; /* number of the first line in text */
    int ended;
} reader;

/* everybody's share of a round */
typedef struct share {
    int64_t first, n; /* bytes of rank 0's text */
    int64_t line;     /* number of the first line */
} share;

typedef struct station {
    const relay *r;
    reader in;             /* rank 0 */
    share *shares;         /* (size) */
    int64_t *made;         /* (size) bytes of what came of each share */
    par_message *messages; /* (size) */
    char *text;            /* this rank's share, (cap + 1) */
    size_t cap;
    strbuf out;
    strbuf received; /* rank 0: what the others made */
} station;

static void station_free(station *s) {
    free(s->in.text);
    free(s->shares);
    free(s->made);
    free(s->messages);
    free(s->text);
    strbuf_free(&s->out);
    free(s->received.text);
}

static err room(char **text, size_t *cap, size_t want) {
    if (want <= *cap && *text)
        return OK;
    CALL(mem_resize(want + 1, 1, text));
    *cap = want;
    return OK;
}

/* lines behind those of the last round: at least one, or none and the file has ended */
static err read_round(reader *in, size_t want) {
    if (in->cut > 0)
        memmove(in->text, in->text + in->cut, in->n - in->cut);
    in->n -= in->cut;
    in->cut = 0;
    while (!in->cut && !(in->ended && in->n == 0)) {
        while (want <= in->n) /* a line longer than that is not cut */
            want *= 2;
        CALL(room(&in->text, &in->cap, want));
        in->n += fread(in->text + in->n, 1, want - in->n, in->f);
        CHECK(!ferror(in->f), ERR_IO, "%s: cannot be read: %s", in->name, strerror(errno));
        in->ended = feof(in->f);
        const char *last = in->ended ? NULL : memrchr(in->text, '\n', in->n);
        in->cut = in->ended ? in->n : last ? (size_t)(last - in->text) + 1 : 0;
    }
    return OK;
}

static int64_t count_lines(const char *text, size_t n) {
    int64_t lines = 0;
    for (const char *end = text + n;
         text < end && (text = memchr(text, '\n', (size_t)(end - text))); text++)
        lines++;
    return lines;
}

/* whole lines in about equal parts, in the order of ranks */
static void divide(station *s, int size) {
    reader *in = &s->in;
    size_t at = 0;
    for (int i = 0; i < size; i++) {
        size_t end = i + 1 == size ? in->cut : in->cut * (size_t)(i + 1) / (size_t)size;
        end = end < at ? at : end;
        const char *stop =
            end > at && end < in->cut ? memchr(in->text + end - 1, '\n', in->cut - end + 1) : NULL;
        if (stop)
            end = (size_t)(stop - in->text) + 1;
        else if (end > at)
            end = in->cut;
        s->shares[i] = (share){(int64_t)at, (int64_t)(end - at), in->line};
        in->line += count_lines(in->text + at, end - at);
        at = end;
    }
}

/* each rank's share to it */
static err hand_out(station *s) {
    const par *p = s->r->p;
    size_t n = (size_t)s->shares[p->rank].n;
    CALL(par_agree(p, room(&s->text, &s->cap, n)));
    par_message mine = {0, s->text, n};
    for (int i = 1; i < p->size; i++)
        s->messages[i - 1] = (par_message){i, s->in.text ? s->in.text + s->shares[i].first : NULL,
                                           (size_t)s->shares[i].n};
    if (p->rank != 0)
        return par_exchange(p, NULL, 0, &mine, 1);
    memcpy(s->text, s->in.text, n);
    return par_exchange(p, s->messages, p->size - 1, NULL, 0);
}

/* what came of them to rank 0, which writes it */
static err collect(station *s) {
    const par *p = s->r->p;
    size_t total = 0;
    memset(s->made, 0, (size_t)p->size * sizeof *s->made);
    s->made[p->rank] = (int64_t)s->out.len;
    CALL(par_sum_i64(p, s->made, (size_t)p->size));
    par_message mine = {0, s->out.text, s->out.len};
    if (p->rank != 0) {
        CALL(par_agree(p, OK));
        return par_exchange(p, &mine, 1, NULL, 0);
    }
    for (int i = 1; i < p->size; i++)
        total += (size_t)s->made[i];
    CALL(par_agree(p, room(&s->received.text, &s->received.cap, total)));
    total = 0;
    for (int i = 1; i < p->size; i++) {
        s->messages[i - 1] = (par_message){i, s->received.text + total, (size_t)s->made[i]};
        total += (size_t)s->made[i];
    }
    CALL(par_exchange(p, NULL, 0, s->messages, p->size - 1));
    fwrite(s->out.text, 1, s->out.len, s->r->out); /* its owner looks at ferror */
    fwrite(s->received.text, 1, total, s->r->out);
    return OK;
}

/* one round: 0 in *more when the file has ended */
static err round_of(station *s, const char *name, relay_fn fn, void *state, int *more) {
    const par *p = s->r->p;
    size_t block = s->r->block ? s->r->block : 1 << 20;
    err e = OK;
    CALL(preempt_agree(p));
    if (p->rank == 0) {
        e = read_round(&s->in, block * (size_t)p->size);
        if (e == OK)
            divide(s, p->size);
    }
    CALL(par_agree(p, e));
    CALL(par_bcast(p, s->shares, (size_t)p->size * sizeof *s->shares, 0));
    int64_t total = 0;
    for (int i = 0; i < p->size; i++)
        total += s->shares[i].n;
    *more = total > 0;
    if (!*more)
        return OK;
    CALL(hand_out(s));
    share mine = s->shares[p->rank];
    strbuf_clear(&s->out);
    s->text[mine.n] = '\0';
    relay_block b = {name, mine.line, s->text, (size_t)mine.n};
    e = mine.n > 0 ? fn(state, &b, &s->out) : OK;
    CALL(par_agree(p, e));
    return collect(s);
}

static err each_file(station *s, const char *file, relay_fn fn, void *state) {
    const par *p = s->r->p;
    int standard = strcmp(file, "-") == 0, more = 1;
    reader *in = &s->in;
    const char *name = standard ? "standard input" : file;
    err e = OK;
    if (p->rank == 0) {
        in->name = name;
        in->n = in->cut = 0;
        in->line = 1;
        in->ended = 0;
        in->f = standard ? stdin : fopen(file, "rbe");
        if (!in->f)
            e = err_raise(ERR_IO, __FILE__, __LINE__, "%s: cannot be read: %s", name,
                          strerror(errno));
    }
    e = par_agree(p, e);
    while (e == OK && more)
        e = round_of(s, name, fn, state, &more);
    if (in->f && !standard)
        fclose(in->f);
    in->f = NULL;
    return e;
}

err relay_run(const relay *r, relay_fn fn, void *state) {
    station s = {.r = r};
    size_t size = (size_t)r->p->size;
    err e = mem_alloc(size, sizeof *s.shares, &s.shares);
    if (e == OK)
        e = mem_alloc(size, sizeof *s.made, &s.made);
    if (e == OK)
        e = mem_alloc(size, sizeof *s.messages, &s.messages);
    TRY(par_agree(r->p, e));
    if (r->n_files == 0)
        TRY(each_file(&s, "-", fn, state));
    for (int i = 0; i < r->n_files; i++)
        TRY(each_file(&s, r->files[i], fn, state));
done:
    station_free(&s);
    return e;
}
