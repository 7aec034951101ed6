#include "attack/engine.h"

#include "attack/search.h"
#include "base/arena.h"
#include "base/clock.h"
#include "model/first_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_TOKENS = 1024, /* of 256 to 8192 the fastest, 2 x 128 and 4 x 256, sentences of SST-2 */
    MOST_IN_FLIGHT = 64, /* short texts with few candidates fill a batch well before */
};

/* an example on its way */
typedef struct flight {
    search s;
    attack_result r;
    int64_t unit;
    double begun;
} flight;

/* a sequence of the batch being made */
typedef struct passenger {
    flight *of;
    int sequence; /* of its inquiry */
} passenger;

struct engine {
    attack *a;
    encoder_ws *ws;
    const encoder *victim;
    first_layer *first; /* of the victim, while a feed runs */
    const feed *f;
    int alone; /* 1: one example at a time */
    int limit, most;
    flight **flights; // (n) oldest first, then those that are free, up to `opened`
    int n, opened;
    int exhausted;
    /* the batch */
    int B, K;
    int32_t *ids;                                           // (T)
    int32_t *offset;                                        // (B + 1)
    passenger *row;                                         // (B)
    double *p;                                              // (B, K)
    const char **wished;                                    /* texts whose vectors are wished for */
    size_t cap_ids, cap_offset, cap_row, cap_p, cap_wished; /* elements there is memory for */
    engine_work work;
};

err engine_create(attack *a, engine **out) {
    engine *g = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *g, &g));
    g->a = a;
    g->alone = !gemm_rows_independent();
    g->limit = a->o.batch_tokens > 0 ? (int)a->o.batch_tokens : BATCH_TOKENS;
    g->most = g->alone ? 1 : a->o.in_flight > 0 ? (int)a->o.in_flight : MOST_IN_FLIGHT;
    TRY(mem_alloc((size_t)g->most, sizeof *g->flights, &g->flights));
    TRY(first_layer_create(FIRST_LAYER_BYTES, &g->first));
    *out = g;
    g = NULL;
done:
    engine_destroy(&g);
    return e;
}

void engine_destroy(engine **gg) {
    engine *g = *gg;
    if (!g)
        return;
    for (int i = 0; i < g->opened; i++) {
        search_close(&g->flights[i]->s);
        attack_result_free(&g->flights[i]->r);
        free(g->flights[i]);
    }
    first_layer_destroy(&g->first);
    free(g->flights);
    free(g->ids);
    free(g->offset);
    free(g->row);
    free(g->p);
    free(g->wished);
    free(g);
    *gg = NULL;
}

engine_work engine_done(const engine *g) {
    return g->work;
}

/* a flight that is free, behind those on their way */
static err open_flight(engine *g, flight **out) {
    if (g->n == g->opened) {
        flight *x = NULL;
        CALL(mem_alloc(1, sizeof *x, &x));
        err e = search_open(&x->s);
        if (e != OK) {
            free(x);
            return e;
        }
        g->flights[g->opened++] = x;
    }
    *out = g->flights[g->n++];
    return OK;
}

/* flight i is over: its result goes to the feed, its place behind those on their way */
static err land(engine *g, int i, err e) {
    flight *x = g->flights[i];
    if (e != OK) {
        double prob =
            x->r.outcome == ATTACK_FAILED ? x->r.prob : 0.0; /* 0: not shown to be right */
        int label = x->r.label;
        attack_result_free(&x->r);
        x->r = (attack_result){
            .outcome = ATTACK_ERRORED, .label = label, .prob = prob, .similarity = NAN};
        x->r.final_text = strdup(err_message());
        CHECK(x->r.final_text, ERR_FAILED, "out of memory");
    }
    err done = g->f->done(g->f->state, x->unit, e, &x->r);
    attack_result_free(&x->r);
    memmove(g->flights + i, g->flights + i + 1, (size_t)(g->n - i - 1) * sizeof *g->flights);
    g->flights[--g->n] = x;
    return done;
}

/* flight i goes on; *landed when it is over */
static err go_on(engine *g, int i, int *landed) {
    flight *x = g->flights[i];
    double limit = (double)g->a->o.time_out;
    err e = search_go_on(&x->s);
    if (e == OK && !search_over(&x->s) && limit > 0.0 && clock_now() - x->begun > limit)
        e = err_raise(ERR_FAILED, __FILE__, __LINE__,
                      "no result within %.0f seconds (attack.time_out)", limit);
    *landed = e != OK || search_over(&x->s);
    return *landed ? land(g, i, e) : OK;
}

static int64_t tokens_waiting(const engine *g) {
    int64_t n = 0;
    for (int i = 0; i < g->n; i++) {
        const inquiry *q = &g->flights[i]->s.ask;
        if (q->sent < q->n)
            n += q->offset[q->n - q->first] - q->offset[q->sent - q->first];
    }
    return n;
}

/* may another example be taken on? Not if those there are fill a batch. */
static int has_room(const engine *g) {
    int64_t room = g->f->room ? g->f->room(g->f->state) : g->most;
    if (g->n == 0)
        return 1;
    return g->n < g->most && g->n < room && tokens_waiting(g) < g->limit;
}

static err take_on(engine *g) {
    int landed;
    while (!g->exhausted && has_room(g)) {
        const char *text;
        int64_t unit;
        int label;
        flight *x;
        CALL(g->f->next(g->f->state, &unit, &text, &label));
        if (unit < 0) {
            g->exhausted = 1;
            return OK;
        }
        CALL(open_flight(g, &x));
        x->unit = unit;
        x->begun = clock_now();
        err e = search_begin(&x->s, g->a, g->ws, g->victim, text, label, &x->r);
        CALL(e == OK ? go_on(g, g->n - 1, &landed) : land(g, g->n - 1, e));
    }
    return OK;
}

static err make_room(engine *g, int tokens) {
    const size_t rows = (size_t)g->B + 1;
    CALL(mem_grow((size_t)tokens, sizeof *g->ids, &g->ids, &g->cap_ids));
    CALL(mem_grow(rows + 1, sizeof *g->offset, &g->offset, &g->cap_offset));
    CALL(mem_grow(rows, sizeof *g->row, &g->row, &g->cap_row));
    return mem_grow(rows * (size_t)g->K, sizeof *g->p, &g->p, &g->cap_p);
}

/* the oldest questions, as many as the limit lets in, but one at least */
static err fill_batch(engine *g) {
    int T = 0;
    g->B = 0;
    for (int i = 0; i < g->n; i++) {
        inquiry *q = &g->flights[i]->s.ask;
        while (q->sent < q->n) {
            int n;
            const int32_t *ids = inquiry_next(q, &n);
            if (g->B > 0 && T + n > g->limit)
                return OK;
            CALL(make_room(g, T + n));
            memcpy(g->ids + T, ids, (size_t)n * sizeof *ids);
            g->row[g->B] = (passenger){g->flights[i], q->sent++};
            g->offset[g->B] = T;
            T += n;
            g->offset[++g->B] = T;
        }
    }
    return OK;
}

/* the whole batch, or row `only` of it alone, through the victim: probabilities into g->p */
static err forward(engine *g, int only) {
    int first = only < 0 ? 0 : only, n = only < 0 ? g->B : 1;
    int32_t alone[2] = {0, g->offset[first + 1] - g->offset[first]};
    const int32_t *offsets = only < 0 ? g->offset : alone;
    const float *logits;
    batch b = {.B = n, .T = offsets[n], .ids = g->ids + g->offset[first], .offsets = offsets};
    double begun = clock_now();
    CALL(encoder_classify(g->ws, g->victim, &b, NULL, &logits));
    g->work.seconds += clock_now() - begun;
    encoder_softmax(g->p + (size_t)first * (size_t)g->K, logits, n, g->K);
    g->work.tokens += b.T;
    g->work.sequences += n;
    g->work.calls++;
    return OK;
}

static void deliver(engine *g, int i) {
    inquiry *q = &g->row[i].of->s.ask;
    memcpy(inquiry_answer(q, g->row[i].sequence), g->p + (size_t)i * (size_t)g->K,
           (size_t)g->K * sizeof *g->p);
    q->answered++;
}

static int place_of(const engine *g, const flight *x) {
    int i = 0;
    while (i < g->n && g->flights[i] != x)
        i++;
    return i < g->n ? i : -1;
}

/* a batch that cannot be computed: row by row, so that only the example at fault is given up */
static err one_by_one(engine *g) {
    for (int i = 0; i < g->B; i++) {
        int at = place_of(g, g->row[i].of);
        if (at < 0)
            continue; /* given up at an earlier row */
        err e = forward(g, i);
        if (e == OK)
            deliver(g, i);
        else
            CALL(land(g, at, e));
    }
    return OK;
}

static err ask_victim(engine *g) {
    CALL(fill_batch(g));
    if (g->B == 0)
        return OK;
    if (forward(g, -1) != OK)
        return one_by_one(g);
    for (int i = 0; i < g->B; i++)
        deliver(g, i);
    return OK;
}

/* those on their way go on, where they wait for nothing more */
static err all_go_on(engine *g) {
    for (int i = 0, landed; i < g->n; i += !landed) {
        landed = 0;
        if (!search_waits(&g->flights[i]->s))
            CALL(go_on(g, i, &landed));
    }
    return OK;
}

/* all texts whose vectors are wished for, computed together; *n of them. What cannot be computed
 * raises its error when its own example asks for it. */
static err grant_wishes(engine *g, int *n) {
    *n = 0;
    for (int i = 0; i < g->n; i++) {
        search *s = &g->flights[i]->s;
        if (!s->wishes)
            continue;
        int more = *n + 1 + s->c.n;
        CALL(mem_grow((size_t)more, sizeof *g->wished, &g->wished, &g->cap_wished));
        memcpy(g->wished + *n, s->c.texts, (size_t)(1 + s->c.n) * sizeof *g->wished);
        *n = more;
        s->wishes = 0;
    }
    if (*n > 0)
        (void)similarity_prepare(g->a->alike, g->wished, *n);
    return OK;
}

/* until all wait for the victim, or are over */
static err all_to_victim(engine *g) {
    int granted;
    do {
        CALL(all_go_on(g));
        CALL(grant_wishes(g, &granted));
    } while (granted > 0);
    return OK;
}

err engine_run(engine *g, encoder_ws *ws, const encoder *victim, const feed *f) {
    err e;
    encoder_ws_remember(ws, g->first, victim);
    g->ws = ws;
    g->victim = victim;
    g->K = victim->c.K;
    g->f = f;
    g->n = g->exhausted = 0;
    do {
        TRY(take_on(g));
        TRY(ask_victim(g));
        TRY(all_to_victim(g));
    } while (g->n > 0 || !g->exhausted);
done:
    for (int i = 0; i < g->n; i++) /* after an error of the feed */
        attack_result_free(&g->flights[i]->r);
    encoder_ws_remember(ws, NULL, NULL);
    return e;
}
