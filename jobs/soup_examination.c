/* the held-out examination: the attack of the study on a seeded part of the held-out examples */
#include "soup_parts.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"

#include <string.h>

/* the held-out examples as a feed of the attack */
typedef struct bridge {
    context *c;
    const exam_feed *f;
} bridge;

static err next_unit(void *state, int64_t *unit, const char **text, int *label) {
    bridge *b = state;
    int i;
    CALL(b->f->next(b->f->state, &i));
    *unit = i;
    if (i >= 0) {
        *text = dataset_text(&b->c->probe, i);
        *label = b->c->probe.label[i];
    }
    return OK;
}

/* an example that raises an error is not withstood, as in the attack of the table */
static err keep_unit(void *state, int64_t unit, err e, attack_result *r) {
    bridge *b = state;
    if (e != OK)
        log_warning("held-out example %d could not be attacked: %s", b->c->soup.probe[unit],
                    r->final_text);
    return b->f->done(b->f->state, (int)unit, r->outcome == ATTACK_FAILED);
}

static int64_t room_for_units(void *state) {
    const bridge *b = state;
    return b->f->room(b->f->state);
}

static err attack_units(void *state, encoder_ws *ws, const encoder *m, const exam_feed *f) {
    bridge b = {state, f};
    return attack_feed(b.c->attack, ws, m, &(feed){&b, next_unit, keep_unit, room_for_units});
}

/* the rows of c->probe within the held-out set, drawn as stage prepare drew them */
static err draw_probe(context *c) {
    averages *a = &c->soup;
    const int all = c->probe.n == c->heldout.n;
    CALL(mem_alloc((size_t)c->probe.n + 1, sizeof *a->probe, &a->probe));
    CALL(mem_alloc((size_t)c->probe.n + 1, sizeof *a->order, &a->order));
    for (int i = 0; i < c->probe.n && all; i++)
        a->probe[i] = i;
    if (!all)
        CALL(dataset_sample(&c->heldout, context_data_seed(c) + 2, RNG_SAMPLE, c->probe.n,
                            a->probe));
    return attack_order(&c->probe, a->order);
}

static double weight_of(const soup_options *o) {
    return strcmp(o->score, "aua") == 0 ? 1.0 : strcmp(o->score, "accuracy") == 0 ? 0.0 : o->weight;
}

err soup_examination(context *c) {
    averages *a = &c->soup;
    attack *opened = NULL;
    a->weight = weight_of(&c->s->soup);
    err e = draw_probe(c);
    if (e == OK && a->weight > 0.0)
        e = context_attack(c, &opened);
    CALL(par_agree(c->p, e));
    exam_setup x = {.p = c->p,
                    .journal_dir = c->journal,
                    .stage = "heldout",
                    .s = a->s,
                    .heldout = &c->xheldout,
                    .probe = a->probe,
                    .order = a->order,
                    .m = a->weight > 0.0 ? c->probe.n : 0,
                    .attack = attack_units,
                    .state = c};
    return exam_open(&x, &a->exam);
}
