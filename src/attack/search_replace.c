/* how words are replaced: which candidate is taken */
#include "attack/search.h"

#include "attack/candidates.h"

#include <math.h>
#include <stdlib.h>

/* words that may be changed */
static int most_changed(const search *s) {
    const recipe *h = &s->a->how;
    /* rounding of n * share may not raise the ceiling: 0.1 * 30 is above 3 */
    int most = (int)ceil(s->original.n * h->max_changed - 1e-9);
    return most > h->least_changed ? most : h->least_changed;
}

/* the text goes on with question k's candidate; over, if the label has changed */
static err take(search *s, int k, int flips) {
    attack_result *r = s->r;
    s->current.word[s->c.i] = s->c.list[k];
    s->now = search_true(s, k);
    r->query[s->first_query + k].taken = 1;
    CALL(attack_result_change(r, s->c.i, s->original.word[s->c.i], s->c.list[k]));
    if (!isnan(s->c.alike[k]))
        r->similarity = isnan(r->similarity) ? s->c.alike[k] : fmin(r->similarity, s->c.alike[k]);
    if (!flips)
        return search_replace(s);
    r->outcome = ATTACK_SUCCESS;
    return search_finish(s);
}

/* candidates by their score, best first: p of the true class, ties by position */
static err sort_candidates(search *s, ranked **out) {
    int n = s->n_asked;
    CALL(arena_alloc(s->memory, (size_t)n + 1, sizeof **out, out));
    for (int k = 0; k < n; k++)
        (*out)[k] = (ranked){search_true(s, k), k};
    qsort(*out, (size_t)n, sizeof **out, search_by_key);
    if (n > 1)
        s->r->margin = fmin(s->r->margin, (*out)[1].key - (*out)[0].key);
    return OK;
}

/* among the leading candidates that change the label the most similar one; the best if none was
 * tested */
static int most_similar(const search *s, const ranked *sorted) {
    int best = 0;
    for (int k = 0; k < s->n_asked && search_predicted(s, sorted[k].index) != s->label; k++)
        if (s->c.alike[sorted[k].index] > s->c.alike[sorted[best].index])
            best = k;
    return sorted[best].index;
}

/* TextAttack's: the best is taken if it lowers the current P(true) */
static err decide(search *s) {
    ranked *sorted;
    CALL(sort_candidates(s, &sorted));
    s->r->margin = fmin(s->r->margin, fabs(s->now - sorted[0].key));
    if (!(sorted[0].key < s->now))
        return search_replace(s);
    search_note(s, sorted[0].index);
    int flips = search_predicted(s, sorted[0].index) != s->label;
    return take(s, flips ? most_similar(s, sorted) : sorted[0].index, flips);
}

/* the original TextFooler's: any that flips, the most similar of them first; else the best, if it
 * is below the probability of the text before any change */
static err decide_originally(search *s) {
    int flip = -1;
    ranked *sorted;
    for (int k = 0; k < s->n_asked; k++) {
        search_note(s, k);
        if (search_predicted(s, k) != s->label && (flip < 0 || s->c.alike[k] > s->c.alike[flip]))
            flip = k;
    }
    if (flip >= 0)
        return take(s, flip, 1);
    CALL(sort_candidates(s, &sorted));
    s->r->margin = fmin(s->r->margin, fabs(s->r->prob - sorted[0].key));
    return sorted[0].key < s->r->prob ? take(s, sorted[0].index, 0) : search_replace(s);
}

/* candidates that are similar enough are asked about; none: on to the next word */
static err ask_similar(search *s) {
    change *c = &s->c;
    CALL(constraint_end(c));
    s->r->margin = c->margin;
    if (c->n > search_budget(s)) /* as in TextAttack: as many as are left, in their order */
        c->n = (int)search_budget(s);
    if (c->n == 0)
        return search_replace(s);
    s->next = s->a->how.accept == ACCEPT_ORIGINAL ? decide_originally : decide;
    return search_ask_candidates(s, c->i, c->list, c->alike, c->n);
}

/* the next word: its candidates, and what similarity will compare */
err search_replace(search *s) {
    search_begin_step(s);
    if (s->at == s->r->n_order || search_budget(s) <= 0 || s->r->changed >= most_changed(s))
        return search_finish(s);
    s->c = (change){.a = s->a,
                    .memory = s->memory,
                    .original = &s->original,
                    .current = &s->current,
                    .i = s->r->order[s->at++],
                    .margin = s->r->margin};
    CALL(candidates_of(s->a, s->memory, &s->original, s->text, s->c.i, &s->c.list, &s->c.n));
    CALL(constraint_begin(&s->c));
    s->wishes = s->c.texts != NULL;
    s->next = ask_similar;
    return OK;
}
