/* how words are ranked: which are tried first */
#include "attack/search.h"

#include "attack/candidates.h"
#include "attack/gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* the keys decide: order, smallest difference, and on to replacing */
static err ranked_now(search *s) {
    attack_result *r = s->r;
    int n = s->n_rank;
    qsort(s->rank, (size_t)n, sizeof *s->rank, search_by_key);
    CALL(mem_alloc((size_t)n + 1, sizeof *r->order, &r->order));
    r->n_order = n;
    for (int k = 0; k < n; k++) {
        r->order[k] = s->rank[k].index;
        if (k > 0)
            r->rank_gap = fmin(r->rank_gap, s->rank[k].key - s->rank[k - 1].key);
    }
    return search_replace(s);
}

/* the drop of the true class, and how far the class that wins has risen, as the original
 * TextFooler and BERT-Attack add them up */
static double flip_importance(const search *s, int k) {
    const double *p = search_answer(s, k), *before = inquiry_answer(&s->ask, 0);
    int wins = search_predicted(s, k);
    double drop = before[s->label] - p[s->label];
    return wins == s->label ? drop : drop + p[wins] - before[wins];
}

static err rank_by_answers(search *s) {
    int flips = s->a->how.ranking == RANK_UNK_FLIP;
    for (int k = 0; k < s->n_rank; k++)
        s->rank[k].key = flips ? -flip_importance(s, k) : search_true(s, k);
    return ranked_now(s);
}

/* the highest drop of the true class among the candidates of rank k; 0 without any */
static double best_drop(const search *s, int k) {
    double best = s->offset[k] < s->offset[k + 1] ? -1.0 : 0.0;
    for (int j = s->offset[k]; j < s->offset[k + 1]; j++)
        best = fmax(best, s->r->prob - search_true(s, j));
    return best;
}

static err rank_by_saliency(search *s) {
    for (int k = 0; k < s->n_rank; k++) /* key was the saliency's softmax */
        s->rank[k].key = -s->rank[k].key * best_drop(s, k);
    return ranked_now(s);
}

/* softmax of the saliencies, then all candidates of all words in one step */
static err ask_all_candidates(search *s) {
    double max = -INFINITY, sum = 0.0;
    const char **list;
    int n;
    for (int k = 0; k < s->n_rank; k++) {
        s->rank[k].key = s->r->prob - search_true(s, k);
        max = fmax(max, s->rank[k].key);
    }
    for (int k = 0; k < s->n_rank; k++)
        sum += s->rank[k].key = exp(s->rank[k].key - max);
    CALL(arena_alloc(s->memory, (size_t)s->n_rank + 1, sizeof *s->offset, &s->offset));
    search_begin_step(s);
    for (int k = 0; k < s->n_rank; k++) {
        int i = s->rank[k].index;
        s->rank[k].key /= sum;
        s->offset[k] = s->n_asked;
        CALL(candidates_of(s->a, s->memory, &s->original, s->text, i, &list, &n));
        if (n > search_budget(s))
            n = (int)search_budget(s);
        CALL(search_ask_candidates(s, i, list, NULL, n));
    }
    s->offset[s->n_rank] = s->n_asked;
    for (int k = 0; k < s->n_asked; k++) /* nothing is taken in this step */
        s->r->query[s->first_query + k].purpose = QUERY_RANK;
    s->next = rank_by_saliency;
    return OK;
}

/* indices of words that are no stop words */
static err list_words(search *s) {
    const wording *w = &s->original;
    CALL(arena_alloc(s->memory, (size_t)w->n + 1, sizeof *s->rank, &s->rank));
    s->n_rank = 0;
    for (int i = 0; i < w->n; i++)
        if (dictionary_find(s->a->stop, w->word[i], strlen(w->word[i])) < 0)
            s->rank[s->n_rank++] = (ranked){0.0, i};
    return OK;
}

static err rank_by_gradient(search *s) {
    double *norm;
    CALL(arena_alloc(s->memory, (size_t)s->original.n + 1, sizeof *norm, &norm));
    CALL(gradient_norms(s, norm));
    for (int k = 0; k < s->n_rank; k++)
        s->rank[k].key = -norm[s->rank[k].index];
    return ranked_now(s);
}

err search_rank(search *s) {
    rank_way way = s->a->how.ranking;
    CALL(list_words(s));
    if (way == RANK_GRADIENT)
        return rank_by_gradient(s);
    if (s->n_rank > search_budget(s))
        s->n_rank = (int)search_budget(s);
    search_begin_step(s);
    for (int k = 0; k < s->n_rank; k++) {
        int i = s->rank[k].index;
        attack_query q = {.purpose = QUERY_RANK, .word = i, .similarity = NAN};
        CALL(way == RANK_DELETE ? search_ask(s, &s->original, i, q) : search_ask_unknown(s, i, q));
    }
    s->next = way == RANK_SALIENCY ? ask_all_candidates : rank_by_answers;
    return OK;
}
