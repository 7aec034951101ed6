#include "soup/exam.h"

#include "base/arena.h"
#include "base/monitor.h"
#include "base/strbuf.h"
#include "eval/accuracy.h"
#include "io/journal.h"
#include "io/json.h"
#include "par/preempt.h"
#include "par/queue.h"
#include "soup/mix.h"
#include "work/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what is known of a unit */
enum { UNKNOWN, KNOWN, UNWRITTEN }; /* UNWRITTEN: known, found here, not in the journal yet */

/* one candidate: units 0 .. batches - 1 are batches of held-out examples, then one an attack */
typedef struct sheet {
    char name[64];
    uint8_t *state;  // (units)
    uint8_t *right;  // (n)
    uint8_t *sturdy; // (m)
} sheet;

/* a unit's result on the wire and in the journal */
typedef struct answer {
    int32_t sheet, unit;
    uint64_t bits; /* of a batch: bit i is its i-th example; of an attack: bit 0 */
} answer;

typedef struct old_answer {
    char name[64];
    int64_t unit;
    uint64_t bits;
} old_answer;

struct exam {
    exam_setup s;
    int batches, units;
    sheet *sheet; // (n_sheets)
    int n_sheets, room;
    old_answer *old; // (n_old) of earlier runs, sorted by name
    size_t n_old;
    journal *j;
    encoder_ws *ws;
    encoder *m; /* the candidate in hand */
    char loaded[64];
    int64_t speculated;
};

/* --- the journal ------------------------------------------------------------------------------ */

static err read_old(void *state, const char *key, int64_t unit, const char *record) {
    strbuf *list = state;
    old_answer a = {.unit = unit};
    json_t *o = NULL;
    const char *hex = NULL;
    char *end = NULL;
    CALL(json_parse(record, "journal of the held-out examples", &o));
    err e = json_get_text(o, "journal of the held-out examples", "right", &hex);
    if (e == OK) {
        a.bits = strtoull(hex, &end, 16);
        if (*end || end == hex)
            e = err_raise(ERR_DATA, __FILE__, __LINE__,
                          "journal of the held-out examples: \"%s\" is not hexadecimal", hex);
    }
    json_decref(o);
    snprintf(a.name, sizeof a.name, "%s", key);
    return e == OK ? strbuf_add(list, (const char *)&a, sizeof a) : e;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const old_answer *)a)->name, ((const old_answer *)b)->name);
}

/* what earlier runs found, sorted by name */
static err read_journal(exam *x) {
    strbuf list = {0};
    err e = OK;
    if (x->s.journal_dir)
        TRY(units_read_all(x->s.p, x->s.journal_dir, x->s.stage, read_old, &list));
    x->n_old = list.len / sizeof *x->old;
    e = mem_alloc(x->n_old + 1, sizeof *x->old, &x->old);
    if (e == OK && list.len > 0) {
        memcpy(x->old, list.text, list.len);
        qsort(x->old, x->n_old, sizeof *x->old, by_name);
    }
    e = par_agree(x->s.p, e);
done:
    strbuf_free(&list);
    return e;
}

static err write_journal(exam *x, const char *name, int unit, uint64_t bits) {
    char record[64];
    if (!x->s.journal_dir)
        return OK;
    if (!x->j)
        CALL(journal_open(x->s.journal_dir, x->s.stage, x->s.p->rank, &x->j));
    snprintf(record, sizeof record, "{\"right\":\"%llx\"}", (unsigned long long)bits);
    return journal_append(x->j, name, unit, record);
}

/* --- sheets ----------------------------------------------------------------------------------- */

static int batch_rows(const exam *x, int unit) {
    const int left = x->s.heldout->n - unit * ACCURACY_BATCH;
    return left < ACCURACY_BATCH ? left : ACCURACY_BATCH;
}

static void put(const exam *x, sheet *t, int unit, uint64_t bits) {
    if (unit >= x->batches) {
        t->sturdy[unit - x->batches] = bits & 1;
        return;
    }
    for (int i = 0; i < batch_rows(x, unit); i++)
        t->right[unit * ACCURACY_BATCH + i] = bits >> i & 1;
}

static uint64_t bits_of(const exam *x, const sheet *t, int unit) {
    uint64_t bits = 0;
    if (unit >= x->batches)
        return t->sturdy[unit - x->batches];
    for (int i = 0; i < batch_rows(x, unit); i++)
        bits |= (uint64_t)t->right[unit * ACCURACY_BATCH + i] << i;
    return bits;
}

static int find(const exam *x, const char *name) {
    for (int i = 0; i < x->n_sheets; i++)
        if (strcmp(x->sheet[i].name, name) == 0)
            return i;
    return -1;
}

static void sheet_free(sheet *t) {
    free(t->state);
    free(t->right);
    free(t->sturdy);
    *t = (sheet){0};
}

/* what earlier runs found */
static err fill(exam *x, sheet *t) {
    old_answer key = {.unit = 0}, *at;
    memcpy(key.name, t->name, sizeof key.name);
    at = bsearch(&key, x->old, x->n_old, sizeof key, by_name);
    while (at && at > x->old && by_name(at - 1, &key) == 0)
        at--;
    for (; at && at < x->old + x->n_old && by_name(at, &key) == 0; at++) {
        CHECK(at->unit >= 0 && at->unit < x->units, ERR_DATA,
              "%s: journal of %s: unit %lld of \"%s\", but there are %d", x->s.journal_dir,
              x->s.stage, (long long)at->unit, t->name, x->units);
        CHECK(t->state[at->unit] == UNKNOWN || bits_of(x, t, (int)at->unit) == at->bits, ERR_DATA,
              "%s: journal of %s: unit %lld of \"%s\" was done twice with different results; "
              "remove the stage's journals to do it again",
              x->s.journal_dir, x->s.stage, (long long)at->unit, t->name);
        put(x, t, (int)at->unit, at->bits);
        t->state[at->unit] = KNOWN;
    }
    return OK;
}

static err open_sheet(exam *x, const char *name) {
    if (find(x, name) >= 0)
        return OK;
    if (x->n_sheets == x->room) {
        const int room = x->room ? 2 * x->room : 16;
        sheet *more;
        CALL(mem_alloc((size_t)room, sizeof *more, &more));
        if (x->n_sheets > 0)
            memcpy(more, x->sheet, (size_t)x->n_sheets * sizeof *more);
        free(x->sheet);
        x->sheet = more;
        x->room = room;
    }
    sheet *t = &x->sheet[x->n_sheets++];
    *t = (sheet){0};
    snprintf(t->name, sizeof t->name, "%s", name);
    CALL(mem_alloc((size_t)x->units + 1, 1, &t->state));
    CALL(mem_alloc((size_t)x->s.heldout->n + 1, 1, &t->right));
    CALL(mem_alloc((size_t)x->s.m + 1, 1, &t->sturdy));
    return fill(x, t);
}

/* forget candidates that were only speculated on and did not come */
static void drop_others(exam *x, const exam_candidate *needed, int n_needed,
                        const exam_candidate *next, int n_next) {
    int kept = 0;
    for (int i = 0; i < x->n_sheets; i++) {
        sheet *t = &x->sheet[i];
        int keep = 1;
        for (int u = 0; u < x->units && keep; u++)
            keep = t->state[u] != UNKNOWN; /* the same on every rank */
        for (int k = 0; k < n_needed; k++)
            keep |= strcmp(needed[k].name, t->name) == 0;
        for (int k = 0; k < n_next; k++)
            keep |= strcmp(next[k].name, t->name) == 0;
        if (keep)
            x->sheet[kept++] = *t;
        else
            sheet_free(t);
    }
    x->n_sheets = kept;
}

/* --- one run ---------------------------------------------------------------------------------- */

typedef struct task {
    const exam_candidate *c;
    int sheet, unit;
} task;

typedef struct round_of {
    task *task; // (n_needed + n_next), what is needed first
    int64_t n_needed, n_next;
    strbuf found; /* answers of this rank */
} round_of;

/* unit k in the order of work: batches, then attacks, dearest first */
static int unit_at(const exam *x, int k) {
    return k < x->batches ? k : x->batches + (int)x->s.order[k - x->batches];
}

static void list_tasks(exam *x, const exam_candidate *c, int backwards, task *out, int64_t *n) {
    const int t = find(x, c->name);
    for (int k = 0; k < x->units; k++) {
        const int unit = unit_at(x, backwards ? x->units - 1 - k : k);
        if (x->sheet[t].state[unit] == UNKNOWN)
            out[(*n)++] = (task){c, t, unit};
    }
}

/* journal what this rank found of a needed candidate before it was needed */
static err write_kept(exam *x, const exam_candidate *c) {
    sheet *t = &x->sheet[find(x, c->name)];
    for (int u = 0; u < x->units; u++) {
        if (t->state[u] != UNWRITTEN)
            continue;
        CALL(write_journal(x, t->name, u, bits_of(x, t, u)));
        t->state[u] = KNOWN;
    }
    return OK;
}

static err prepare(exam *x, const exam_candidate *needed, int n_needed, const exam_candidate *next,
                   int n_next, round_of *r) {
    drop_others(x, needed, n_needed, next, n_next);
    for (int i = 0; i < n_needed; i++)
        CALL(open_sheet(x, needed[i].name));
    for (int i = 0; i < n_next; i++)
        CALL(open_sheet(x, next[i].name));
    CALL(mem_alloc((size_t)(n_needed + n_next) * (size_t)x->units + 1, sizeof *r->task, &r->task));
    for (int i = 0; i < n_needed; i++) {
        CALL(write_kept(x, &needed[i]));
        list_tasks(x, &needed[i], 0, r->task, &r->n_needed);
    }
    int64_t all = r->n_needed;
    for (int i = 0; i < n_next && x->s.p->size > 1; i++)
        list_tasks(x, &next[i], 1, r->task, &all);
    r->n_next = all - r->n_needed;
    return OK;
}

/* the candidate's mean, unless it is in hand already */
static err take_up(exam *x, const exam_candidate *c) {
    if (x->m && strcmp(x->loaded, c->name) == 0)
        return OK;
    encoder_destroy(&x->m);
    CALL(soup_mix(x->s.s, c->index, NULL, c->n, &x->m));
    snprintf(x->loaded, sizeof x->loaded, "%s", c->name);
    return x->ws ? OK : encoder_ws_create(&x->m->c, &x->ws);
}

/* this rank's part of a round: part 0 of the queue hands out tasks, part 1 counts what is done of
 * the needed ones, and the last of these ends the round */
typedef struct share_of {
    exam *x;
    round_of *r;
    queue *q;
    monitor *mon;
    const exam_candidate *c; /* whose attacks are on their way */
    int64_t at;     /* task taken and not begun; NONE_TAKEN; < 0 else: there is none left */
    int64_t last;   /* task taken last */
    int64_t *flown; // (m) task of each example on its way
} share_of;

enum { NONE_TAKEN = -2 };

static err look(share_of *h) {
    if (h->at != NONE_TAKEN)
        return OK;
    CALL(queue_next_of(h->q, 0, &h->at));
    h->last = h->at < 0 ? h->r->n_needed + h->r->n_next : h->at;
    return OK;
}

static err finish(share_of *h, int64_t at, uint64_t bits) {
    const task *t = &h->r->task[at];
    const answer a = {t->sheet, t->unit, bits};
    int64_t finished;
    CALL(strbuf_add(&h->r->found, (const char *)&a, sizeof a));
    if (at >= h->r->n_needed) {
        h->x->sheet[t->sheet].state[t->unit] = UNWRITTEN;
        h->x->speculated++;
        return OK;
    }
    CALL(write_journal(h->x, t->c->name, t->unit, bits));
    CALL(queue_next_of(h->q, 1, &finished));
    monitor_step(h->mon, at + 1, NAN);
    if (finished == h->r->n_needed - 1)
        queue_stop(h->q);
    return OK;
}

/* what is no attack on the model in hand stays taken until those on their way are done */
static err next_attack(void *state, int *i) {
    share_of *h = state;
    *i = -1;
    CALL(look(h));
    if (h->at < 0)
        return OK;
    const task *t = &h->r->task[h->at];
    if (t->c != h->c || t->unit < h->x->batches)
        return OK;
    *i = t->unit - h->x->batches;
    h->flown[*i] = h->at;
    h->at = NONE_TAKEN;
    return OK;
}

static err attacked(void *state, int i, int sturdy) {
    share_of *h = state;
    return finish(h, h->flown[i], (uint64_t)sturdy);
}

/* half of this rank's share of what is still needed, so that ranks end together; of what is not
 * needed yet one, for all wait until it is done */
static int64_t room(void *state) {
    const share_of *h = state;
    const int64_t left = h->r->n_needed - 1 - h->last;
    return left > 0 ? 1 + left / (2 * h->x->s.p->size) : 1;
}

static err do_batch(share_of *h, const task *t) {
    const int64_t at = h->at;
    uint64_t bits = 0;
    h->at = NONE_TAKEN;
    CALL(accuracy_batch(h->x->ws, h->x->m, h->x->s.heldout, t->unit, &bits));
    return finish(h, at, bits);
}

static err work(exam *x, round_of *r, queue *q, monitor *mon) {
    share_of h = {.x = x, .r = r, .q = q, .mon = mon, .at = NONE_TAKEN};
    const exam_feed f = {&h, next_attack, attacked, room};
    err e;
    TRY(mem_alloc((size_t)x->s.m + 1, sizeof *h.flown, &h.flown));
    TRY(look(&h));
    while (h.at >= 0) {
        const task *t = &r->task[h.at];
        h.c = t->c;
        TRY(take_up(x, t->c));
        if (t->unit < x->batches)
            TRY(do_batch(&h, t));
        else
            TRY(x->s.attack(x->s.state, x->ws, x->m, &f));
        TRY(look(&h));
    }
done:
    free(h.flown);
    return e;
}

/* every rank's answers to every rank */
static err share(exam *x, const round_of *r) {
    char *all = NULL;
    size_t *offset = NULL;
    CALL(par_allgather(x->s.p, r->found.text ? r->found.text : "", r->found.len, &all, &offset));
    for (size_t at = 0; at < offset[x->s.p->size]; at += sizeof(answer)) {
        answer a;
        memcpy(&a, all + at, sizeof a);
        sheet *t = &x->sheet[a.sheet];
        put(x, t, a.unit, a.bits);
        if (t->state[a.unit] == UNKNOWN)
            t->state[a.unit] = KNOWN;
    }
    free(all);
    free(offset);
    return OK;
}

err exam_run(exam *x, const exam_candidate *needed, int n_needed, const exam_candidate *next,
             int n_next) {
    const par *p = x->s.p;
    round_of r = {0};
    queue *q = NULL;
    monitor mon;
    err e;
    TRY(par_agree(p, prepare(x, needed, n_needed, next, n_next, &r)));
    if (r.n_needed == 0)
        goto done;
    monitor_begin(&mon, n_needed == 1 ? needed->name : "held-out", "units", r.n_needed);
    TRY(queue_open_parts(p, (int64_t[]){r.n_needed + r.n_next, r.n_needed}, 2, QUEUE_SHARED, &q));
    e = work(x, &r, q, &mon);
    if (e != OK)
        queue_stop(q);
    const err closed = queue_close(&q);
    monitor_end(&mon);
    TRY(par_agree(p, e == OK ? closed : e));
    TRY(share(x, &r));
    TRY(preempt_agree(p));
done:
    free(r.task);
    strbuf_free(&r.found);
    return e;
}

/* --- open and close --------------------------------------------------------------------------- */

err exam_open(const exam_setup *s, exam **out) {
    exam *x = NULL;
    CALL(par_agree(s->p, mem_alloc(1, sizeof *x, &x)));
    x->s = *s;
    x->batches = (s->heldout->n + ACCURACY_BATCH - 1) / ACCURACY_BATCH;
    x->units = x->batches + s->m;
    err e = read_journal(x);
    if (e == OK)
        *out = x;
    else
        exam_close(&x);
    return e;
}

void exam_close(exam **xx) {
    exam *x = *xx;
    if (!x)
        return;
    for (int i = 0; i < x->n_sheets; i++)
        sheet_free(&x->sheet[i]);
    free(x->sheet);
    free(x->old);
    journal_close(&x->j);
    encoder_ws_destroy(&x->ws);
    encoder_destroy(&x->m);
    free(x);
    *xx = NULL;
}

marks exam_marks(const exam *x, const char *name) {
    const int t = find(x, name);
    marks a = {.n = x->s.heldout->n, .m = x->s.m, .probe = x->s.probe};
    if (t < 0)
        return (marks){0};
    a.right = x->sheet[t].right;
    a.sturdy = x->sheet[t].sturdy;
    return a;
}

int64_t exam_speculated(const exam *x) {
    return x->speculated;
}
