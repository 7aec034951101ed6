#include "soup/barrier.h"

#include "base/arena.h"
#include "io/json.h"
#include "soup/mix.h"
#include "work/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* units 0 .. n - 1: the ingredients themselves; then the points of pair 0, of pair 1, … */
typedef struct line {
    const barrier_setup *s;
    const soup_barrier *pair;
} line;

static double alpha_of(const barrier_setup *s, int k) {
    return (double)k / (s->points + 1);
}

static err point_unit(void *state, int64_t unit, strbuf *record) {
    const line *l = state;
    const barrier_setup *s = l->s;
    const int64_t inner = unit - s->n;
    encoder *m = NULL;
    accuracy a;
    if (unit < s->n) {
        CALL(soup_mix(s->s, &s->index[unit], NULL, 1, &m));
    } else {
        const soup_barrier *b = &l->pair[inner / s->points];
        const double alpha = alpha_of(s, 1 + (int)(inner % s->points));
        const int ends[2] = {b->first, b->second};
        const double weights[2] = {1.0 - alpha, alpha};
        CALL(soup_mix(s->s, ends, weights, 2, &m));
    }
    err e = accuracy_local(m, s->heldout, &a);
    encoder_destroy(&m);
    CALL(e);
    return strbuf_printf(record, "{\"correct\":%lld,\"loss\":%.17g}", (long long)a.correct,
                         isfinite(a.loss) ? a.loss : -1.0);
}

/* "a" or "a b 1/4": what a unit is called does not depend on which other ingredients there are */
static err name_units(const barrier_setup *s, const soup_barrier *pair, int64_t n, char **name) {
    for (int64_t u = 0; u < n; u++) {
        const int64_t inner = u - s->n;
        const soup_barrier *b = u < s->n ? NULL : &pair[inner / s->points];
        CALL(mem_alloc(160, 1, &name[u]));
        if (b)
            snprintf(name[u], 160, "%s %s %d/%d", s->s[b->first].name, s->s[b->second].name,
                     1 + (int)(inner % s->points), s->points + 1);
        else
            snprintf(name[u], 160, "%s", s->s[s->index[u]].name);
    }
    return OK;
}

static err read_point(const char *record, const examples *x, accuracy *out) {
    json_t *o;
    CALL(json_parse(record, "journal of barrier", &o));
    *out = (accuracy){.n = x->n};
    err e = json_get_int(o, "journal of barrier", "correct", 0, x->n, &out->correct);
    if (e == OK)
        e = json_get_real(o, "journal of barrier", "loss", &out->loss);
    if (e == OK && out->loss < 0.0)
        out->loss = (double)INFINITY;
    json_decref(o);
    return e;
}

static err make_pairs(const barrier_setup *s, soup_barrier *b) {
    for (int i = 0; i < s->n; i++)
        for (int j = i + 1; j < s->n; j++, b++) {
            b->first = s->index[i];
            b->second = s->index[j];
            CALL(mem_alloc((size_t)s->points + 2, sizeof *b->point, &b->point));
        }
    return OK;
}

static void measure(const barrier_setup *s, soup_barrier *b) {
    const double first = b->point[0].a.loss, second = b->point[s->points + 1].a.loss;
    for (int k = 0; k < s->points + 2; k++) {
        const double above =
            b->point[k].a.loss - ((1.0 - b->point[k].alpha) * first + b->point[k].alpha * second);
        if (k > 0 && k <= s->points && above > b->height) {
            b->height = above;
            b->alpha = b->point[k].alpha;
        }
    }
}

/* from the records to the points of every pair */
static err fill(const barrier_setup *s, char *const *records, soup_barrier *pair) {
    const int last = s->points + 1;
    soup_barrier *b = pair;
    for (int i = 0; i < s->n; i++)
        for (int j = i + 1; j < s->n; j++, b++) {
            char *const *inner = records + s->n + (b - pair) * s->points;
            CALL(read_point(records[i], s->heldout, &b->point[0].a));
            CALL(read_point(records[j], s->heldout, &b->point[last].a));
            for (int k = 0; k <= last; k++)
                b->point[k].alpha = alpha_of(s, k);
            for (int k = 1; k < last; k++)
                CALL(read_point(inner[k - 1], s->heldout, &b->point[k].a));
            measure(s, b);
        }
    return OK;
}

err soup_barriers(const barrier_setup *s, soup_barrier **out, int *pairs) {
    const int n = s->n * (s->n - 1) / 2;
    units u = {.p = s->p,
               .dir = s->journal_dir,
               .stage = "barrier",
               .key = "",
               .title = "barriers",
               .noun = "points",
               .n = s->n + (int64_t)n * s->points};
    soup_barrier *b = NULL;
    char **records = NULL, **names = NULL; // (u.n)
    err e = mem_alloc((size_t)n + 1, sizeof *b, &b);
    if (e == OK)
        e = make_pairs(s, b);
    if (e == OK)
        e = mem_alloc((size_t)u.n, sizeof(char *), &names);
    if (e == OK)
        e = name_units(s, b, u.n, names);
    TRY(par_agree(s->p, e));
    u.names = (const char *const *)names;
    line l = {s, b};
    TRY(units_run(&u, point_unit, &l, &records));
    TRY(par_agree(s->p, fill(s, records, b)));
    *out = b;
    *pairs = n;
    b = NULL;
done:
    units_free(&records, u.n);
    units_free(&names, u.n);
    barriers_free(&b, n);
    return e;
}

void barriers_free(soup_barrier **b, int pairs) {
    for (int i = 0; *b && i < pairs; i++)
        free((*b)[i].point);
    free(*b);
    *b = NULL;
}
