/* rows of the soup stage: scores, decisions, learned weights, barriers */
#include "rows.h"

#include <math.h>

#define TEXT(field, text) store_text(field, sizeof field, text)

void rows_score(store_variant *r, const context *c, int v) {
    const averages *a = &c->soup;
    const int i = averages_find(a, v);
    r->score = r->score_error = r->learned = (double)NAN;
    if (i < 0)
        return;
    const marks x = exam_marks(a->exam, a->s[i].name);
    r->robust_n = x.m;
    r->robust_count = marks_sturdy(&x);
    r->score = marks_score(&x, a->weight);
    r->score_error = marks_error(&x, a->weight);
    r->in_uniform = averages_in(a, i);
    r->in_greedy = a->members[i];
    for (int k = 0; k < a->k && a->steps; k++)
        if (a->index[k] == i)
            r->learned = a->shares[(size_t)a->best_step * (size_t)a->k + (size_t)k];
}

/* 95 % interval of a score */
static interval interval_of(const averages *a, const soup_decision *d, const marks *x) {
    if (a->weight == 1.0)
        return wilson(d->sturdy, x->m);
    if (a->weight == 0.0)
        return wilson(d->right, x->n);
    return (interval){fmax(0.0, d->after - 1.96 * d->error), fmin(1.0, d->after + 1.96 * d->error)};
}

static err soup_row(store_content *s, const averages *a, const soup_decision *d) {
    const marks x = exam_marks(a->exam, a->s[0].name); /* sizes are the same for all */
    const interval at = interval_of(a, d, &x);
    store_soup *r;
    CALL(store_add_soup(s, &r));
    TEXT(r->variant, a->s[d->ingredient].name);
    TEXT(r->candidate, d->name);
    TEXT(r->reason, d->reason);
    r->step = d->step;
    r->accepted = d->accepted;
    r->tie = d->tie;
    r->before = d->step ? d->before : (double)NAN;
    r->after = d->after;
    r->error = d->error;
    r->low = at.low;
    r->high = at.high;
    r->difference = d->step ? d->change.difference : (double)NAN;
    r->difference_error = d->step ? d->change.error : (double)NAN;
    r->gained = d->change.gained;
    r->lost = d->change.lost;
    r->p = d->change.p;
    r->correct = d->right;
    r->n = x.n;
    r->robust = d->sturdy;
    r->attacked = x.m;
    r->behind = d->behind;
    return OK;
}

static err learned_rows(store_content *s, const averages *a) {
    for (int step = 0; a->steps && step <= a->steps; step++)
        for (int k = 0; k < a->k; k++) {
            store_learned *r;
            CALL(store_add_learned(s, &r));
            TEXT(r->variant, a->s[a->index[k]].name);
            r->step = step;
            r->loss = a->loss[step];
            r->share = a->shares[(size_t)step * (size_t)a->k + (size_t)k];
            r->chosen = step == a->best_step;
        }
    return OK;
}

static err line_rows(store_content *s, const averages *a, const soup_barrier *b) {
    for (int k = 0; k < a->points + 2; k++) {
        store_line *r;
        CALL(store_add_lines(s, &r));
        TEXT(r->first, a->s[b->first].name);
        TEXT(r->second, a->s[b->second].name);
        r->alpha = b->point[k].alpha;
        r->loss = b->point[k].a.loss;
        r->correct = b->point[k].a.correct;
        r->n = b->point[k].a.n;
    }
    return OK;
}

static err barrier_row(store_content *s, const averages *a, const soup_barrier *b) {
    store_barrier *r;
    CALL(store_add_barriers(s, &r));
    TEXT(r->first, a->s[b->first].name);
    TEXT(r->second, a->s[b->second].name);
    r->height = b->height;
    r->alpha = b->alpha;
    r->points = a->points;
    r->loss_first = b->point[0].a.loss;
    r->loss_second = b->point[a->points + 1].a.loss;
    r->n = b->point[0].a.n;
    r->fewest = r->n;
    for (int k = 1; k <= a->points; k++)
        if (b->point[k].a.correct < r->fewest)
            r->fewest = b->point[k].a.correct;
    return OK;
}

err rows_soup(store_content *s, const context *c) {
    const averages *a = &c->soup;
    for (int i = 0; i < a->n_decisions; i++)
        CALL(soup_row(s, a, &a->decisions[i]));
    CALL(learned_rows(s, a));
    for (int i = 0; i < a->pairs; i++) {
        CALL(barrier_row(s, a, &a->barriers[i]));
        CALL(line_rows(s, a, &a->barriers[i]));
    }
    return OK;
}
