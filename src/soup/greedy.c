#include "soup/greedy.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/hash.h"
#include "soup/mix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one decision ----------------------------------------------------------------------------- */

/* standard errors by which a's accuracy is below best's, 0 if it is not */
static double behind(const marks *best, const marks *a) {
    const comparison c = marks_compare(best, a, 0.0);
    if (c.difference >= 0.0)
        return 0.0;
    return c.error > 0.0 ? -c.difference / c.error : HUGE_VAL;
}

static int guarded(const greedy_rule *r, double errors) {
    return r->guard > 0.0 && errors > r->guard;
}

static void explain(const greedy_rule *r, const marks *best, const char *best_name,
                    const marks *after, soup_decision *d) {
    const double change = 100.0 * d->change.difference, error = 100.0 * d->change.error;
    if (guarded(r, d->behind))
        snprintf(d->reason, sizeof d->reason,
                 "guard: its accuracy of %.1f %% is %.1f standard errors below the %.1f %% of %s",
                 100.0 * marks_score(after, 0.0), d->behind, 100.0 * marks_score(best, 0.0),
                 best_name);
    else if (d->change.difference == 0.0)
        snprintf(d->reason, sizeof d->reason, "a tie: the same score%s",
                 d->accepted ? "" : ", and the rule asks for a rise");
    else
        snprintf(d->reason, sizeof d->reason, "%s%s by %.1f, standard error %.1f",
                 d->tie ? "a near-tie: " : "", change > 0.0 ? "rises" : "falls", fabs(change),
                 error);
}

void greedy_judge(const greedy_rule *r, const marks *best, const char *best_name,
                  const marks *before, const marks *after, soup_decision *d) {
    d->before = marks_score(before, r->weight);
    d->after = marks_score(after, r->weight);
    d->error = marks_error(after, r->weight);
    d->change = marks_compare(before, after, r->weight);
    d->right = marks_right(after);
    d->sturdy = marks_sturdy(after);
    d->behind = behind(best, after);
    d->tie = fabs(d->change.difference) <= d->change.error;
    d->accepted =
        (r->strict ? d->after > d->before : d->after >= d->before) && !guarded(r, d->behind);
    explain(r, best, best_name, after, d);
}

/* --- the order -------------------------------------------------------------------------------- */

typedef struct rank_of {
    int ingredient, guarded;
    double score;
    int64_t right;
} rank_of;

static int better(const rank_of *a, const rank_of *b) {
    if (a->guarded != b->guarded)
        return !a->guarded;
    return a->score != b->score ? a->score > b->score : a->right > b->right;
}

/* list (k of n): ingredients that may be averaged, best first; equal ones in list order. *best: the
 * most accurate one. */
static void best_first(const exam *x, const soup_ingredient *s, int n, const greedy_rule *r,
                       rank_of *list, int *k, int *best) {
    int64_t most = -1;
    for (int i = 0; i < n; i++) {
        const marks a = exam_marks(x, s[i].name);
        if (!s[i].contrast && marks_right(&a) > most) {
            most = marks_right(&a);
            *best = i;
        }
    }
    const marks top = exam_marks(x, s[*best].name);
    *k = 0;
    for (int i = 0; i < n; i++) {
        if (s[i].contrast)
            continue;
        const marks a = exam_marks(x, s[i].name);
        const rank_of one = {i, guarded(r, behind(&top, &a)), marks_score(&a, r->weight),
                             marks_right(&a)};
        int j = (*k)++;
        for (; j > 0 && better(&one, &list[j - 1]); j--)
            list[j] = list[j - 1];
        list[j] = one;
    }
}

/* --- candidates ------------------------------------------------------------------------------- */

/* the mean of the members and of one or two more, in list order */
typedef struct mean_of {
    exam_candidate c;
    int *index; // (n)
} mean_of;

static err name_it(const soup_ingredient *s, exam_candidate *c) {
    strbuf list = {0};
    char hex[65];
    err e = OK;
    for (int i = 0; i < c->n && e == OK; i++)
        e = strbuf_printf(&list, "%s\n", s[c->index[i]].name);
    if (e == OK) {
        hash_bytes(list.text, list.len, hex);
        snprintf(c->name, sizeof c->name, "soup-%.12s", hex);
    }
    strbuf_free(&list);
    return e;
}

/* more: -1 for none */
static err candidate(const soup_ingredient *s, int n, const int *members, int more, int other,
                     mean_of *out) {
    out->c.n = 0;
    for (int i = 0; i < n; i++)
        if (members[i] || i == more || i == other)
            out->index[out->c.n++] = i;
    out->c.index = out->index;
    return name_it(s, &out->c);
}

/* --- the whole -------------------------------------------------------------------------------- */

typedef struct greedy {
    exam *x;
    const par *p;
    const soup_ingredient *s;
    int n, k, best; /* k: that may be averaged */
    const greedy_rule *r;
    rank_of *order;   // (k)
    int *members;     // (n)
    mean_of trial[3]; /* the candidate; the next one if it is accepted; if not */
    char current[64]; /* the average so far */
    soup_decision *d;
} greedy;

static err score_all(greedy *g) {
    exam_candidate *all = NULL;
    int *index = NULL;
    err e = mem_alloc((size_t)g->n, sizeof *all, &all);
    if (e == OK)
        e = mem_alloc((size_t)g->n, sizeof *index, &index);
    TRY(par_agree(g->p, e));
    for (int i = 0; i < g->n; i++) {
        index[i] = i;
        all[i] = (exam_candidate){.index = &index[i], .n = 1};
        snprintf(all[i].name, sizeof all[i].name, "%s", g->s[i].name);
    }
    TRY(exam_run(g->x, all, g->n, NULL, 0));
done:
    free(all);
    free(index);
    return e;
}

/* the best ingredient, and which ones would be better but for their accuracy */
static void begin(greedy *g) {
    const rank_of *first = &g->order[0];
    const marks a = exam_marks(g->x, g->s[first->ingredient].name);
    soup_decision *d = &g->d[0];
    *d = (soup_decision){.ingredient = first->ingredient, .accepted = 1};
    d->after = marks_score(&a, g->r->weight);
    d->error = marks_error(&a, g->r->weight);
    d->right = marks_right(&a);
    d->sturdy = marks_sturdy(&a);
    d->change.p = (double)NAN;
    snprintf(d->name, sizeof d->name, "%s", g->s[first->ingredient].name);
    int used = snprintf(d->reason, sizeof d->reason, "start: the highest score");
    for (int i = 1, said = 0; i < g->k; i++)
        if (g->order[i].guarded && g->order[i].score > d->after && used < (int)sizeof d->reason)
            used += snprintf(d->reason + used, sizeof d->reason - (size_t)used, "%s%s",
                             said++ ? ", " : "; higher, but stopped by the guard: ",
                             g->s[g->order[i].ingredient].name);
    memcpy(g->current, d->name, sizeof g->current);
    g->members[first->ingredient] = 1;
}

/* Try ingredient i of the order; accepted_last says which of its two successors is likelier. */
static err step(greedy *g, int i, int accepted_last) {
    const int now = g->order[i].ingredient, then = i + 1 < g->k ? g->order[i + 1].ingredient : -1;
    const marks best = exam_marks(g->x, g->s[g->best].name);
    soup_decision *d = &g->d[i];
    err e = candidate(g->s, g->n, g->members, now, -1, &g->trial[0]);
    if (e == OK && then >= 0)
        e = candidate(g->s, g->n, g->members, now, then, &g->trial[1]);
    if (e == OK && then >= 0)
        e = candidate(g->s, g->n, g->members, then, -1, &g->trial[2]);
    CALL(par_agree(g->p, e));
    const exam_candidate next[] = {g->trial[accepted_last ? 1 : 2].c,
                                   g->trial[accepted_last ? 2 : 1].c};
    CALL(exam_run(g->x, &g->trial[0].c, 1, next, then >= 0 ? 2 : 0));
    const marks before = exam_marks(g->x, g->current), after = exam_marks(g->x, g->trial[0].c.name);
    *d = (soup_decision){.step = i, .ingredient = now};
    memcpy(d->name, g->trial[0].c.name, sizeof d->name);
    greedy_judge(g->r, &best, g->s[g->best].name, &before, &after, d);
    if (d->accepted)
        memcpy(g->current, d->name, sizeof g->current);
    g->members[now] = d->accepted;
    return OK;
}

static err finish(greedy *g, encoder **out) {
    err e = candidate(g->s, g->n, g->members, -1, -1, &g->trial[0]);
    if (e == OK)
        e = soup_mix(g->s, g->trial[0].c.index, NULL, g->trial[0].c.n, out);
    e = par_agree(g->p, e);
    if (e != OK)
        encoder_destroy(out);
    return e;
}

err soup_greedy(exam *x, const par *p, const soup_ingredient *s, int n, const greedy_rule *r,
                soup_decision *decisions, int *n_decisions, int *members, encoder **out) {
    greedy g = {.x = x, .p = p, .s = s, .n = n, .r = r, .members = members, .d = decisions};
    int averaged = 0;
    for (int i = 0; i < n; i++)
        averaged += !s[i].contrast;
    CHECK(averaged > 0, ERR_FAILED,
          "there is nothing to average: no variant was trained to its end");
    err e = mem_alloc((size_t)n, sizeof *g.order, &g.order);
    for (int i = 0; i < 3 && e == OK; i++)
        e = mem_alloc((size_t)n, sizeof *g.trial[i].index, &g.trial[i].index);
    TRY(par_agree(p, e));
    memset(members, 0, (size_t)n * sizeof *members);
    TRY(score_all(&g));
    best_first(x, s, n, r, g.order, &g.k, &g.best);
    begin(&g);
    for (int i = 1, last = 1; i < g.k; i++) {
        TRY(step(&g, i, last));
        last = decisions[i].accepted;
    }
    *n_decisions = g.k;
    TRY(finish(&g, out));
done:
    for (int i = 0; i < 3; i++)
        free(g.trial[i].index);
    free(g.order);
    return e;
}
