#include "attack/rescore.h"

#include <math.h>

typedef struct replay {
    const attack_result *r;
    acceptance rule;
    const rescore_limits *l;
    double now; /* P(true) of the text as it stands */
    rescored s;
} replay;

/* one past the last query of the step that begins at i: all of the ranking, or one word's */
static int step_end(const attack_result *r, int i) {
    const attack_query *q = &r->query[i];
    int end = i + 1;
    while (end < r->n_query && r->query[end].purpose == q->purpose &&
           (q->purpose == QUERY_RANK || r->query[end].word == q->word))
        end++;
    return end;
}

/* a similarity that was not tested (NaN) is never too low */
static int too_far(const replay *p, const attack_query *q) {
    return q->similarity < p->l->similarity;
}

static int64_t budget_left(const replay *p) {
    return p->l->queries - p->s.queries;
}

/* which of the step's queries is taken within the limits, -1: none */
static int take(replay *p, int begin, int end) {
    int best = -1, flip = -1;
    for (int i = begin; i < end && budget_left(p) > 0; i++) {
        const attack_query *q = &p->r->query[i];
        if (too_far(p, q))
            continue;
        p->s.queries++;
        if (best < 0 || q->prob < p->r->query[best].prob)
            best = i;
        if (flip < 0 && q->predicted != p->r->label)
            flip = i;
    }
    if (p->rule == ACCEPT_ORIGINAL && flip >= 0)
        return flip;
    return best >= 0 && p->r->query[best].prob < p->now ? best : -1;
}

static int recorded(const replay *p, int begin, int end) {
    for (int i = begin; i < end; i++)
        if (p->r->query[i].taken)
            return i;
    return -1;
}

/* 1: the search ends here, or is known no further */
static int word(replay *p, int begin, int end) {
    const int taken = take(p, begin, end);
    if (taken >= 0) {
        p->s.changed++;
        if (p->r->query[taken].predicted != p->r->label) {
            p->s.outcome = ATTACK_SUCCESS;
            return 1;
        }
    }
    if (budget_left(p) <= 0)
        return 1;
    p->s.open = taken != recorded(p, begin, end);
    if (taken >= 0 && p->rule == ACCEPT_LOWER)
        p->now = p->r->query[taken].prob;
    return p->s.open;
}

/* rounding of words * share may not raise the ceiling: 0.1 * 30 is above 3 */
static int most_changed(const replay *p) {
    return (int)ceil(p->r->words * p->l->changed - 1e-9);
}

rescored rescore(const attack_result *r, acceptance rule, const rescore_limits *l) {
    replay p = {.r = r, .rule = rule, .l = l, .now = r->query[0].prob};
    p.s = (rescored){.outcome = ATTACK_FAILED, .queries = 1};
    for (int i = 1, end; i < r->n_query && budget_left(&p) > 0 && !p.s.open; i = end) {
        end = step_end(r, i);
        if (r->query[i].purpose == QUERY_RANK)
            p.s.queries += end - i < budget_left(&p) ? end - i : budget_left(&p);
        else if (p.s.changed >= most_changed(&p) || word(&p, i, end))
            break;
    }
    return p.s;
}

static void count(const attack_result *r, const rescored *s, attack_counts *c) {
    attack_result within = {.outcome = s->outcome,
                            .words = r->words,
                            .changed = s->changed,
                            .queries = s->queries,
                            .similarity = NAN};
    attack_result_count(&within, c);
}

attack_counts rescore_count(const attack_result *r, int64_t n, acceptance rule,
                            const rescore_limits *l, int64_t *open) {
    attack_counts c = {0};
    *open = 0;
    for (const attack_result *end = r + n; r < end; r++) {
        const int attacked = r->outcome == ATTACK_SUCCESS || r->outcome == ATTACK_FAILED;
        const rescored s = attacked ? rescore(r, rule, l) : (rescored){0};
        if (s.open) {
            ++*open;
            c.n++;
            c.correct++;
        } else if (attacked) {
            count(r, &s, &c);
        } else {
            attack_result_count(r, &c);
        }
    }
    return c;
}

err rescore_check(const attack_result *r, acceptance rule) {
    const rescore_limits none = {INT64_MAX, -INFINITY, 1.0};
    CHECK(r->n_query > 0, ERR_DATA, "its queries were not recorded: attack.trace was off");
    const rescored s = rescore(r, rule, &none);
    CHECK(!s.open && s.outcome == r->outcome && s.queries == r->queries && s.changed == r->changed,
          ERR_DATA, "its recorded queries do not lead to its recorded outcome");
    return OK;
}
