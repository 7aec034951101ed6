/* TextFooler (arXiv 1907.11932) as TextAttack's recipe composes it: word importance by deletion,
 * greedy replacement by neighbours of the same part of speech whose window stays similar */
#include "attack/textfooler.h"

#include "io/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* an example on its way */
typedef struct search {
    attack *a;
    encoder_ws *ws;
    const encoder *victim;
    int label, K;
    wording original, current; /* current shares the gaps */
    attack_result *r;
    double *p; /* (cap, K) probabilities of the texts asked about last */
    int cap;
    double now; /* probability of the true class for the current text */
} search;

/* text with word skip left out (-1: none), to be asked about for this purpose */
static err add_text(search *s, const wording *w, int skip, attack_query q) {
    strbuf text = {0};
    err e = words_join(w, skip, &text);
    if (e == OK)
        e = texts_add(s->a->texts, text.text ? text.text : "");
    q.text = hash_u64(text.text, text.len);
    if (e == OK)
        e = attack_result_add(s->r, &q);
    strbuf_free(&text);
    return e;
}

static double of_label(const search *s, int i) {
    return s->p[(size_t)i * (size_t)s->K + (size_t)s->label];
}

static int predicted(const search *s, int i) {
    const double *p = s->p + (size_t)i * (size_t)s->K;
    int best = 0;
    for (int k = 1; k < s->K; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

/* ask the victim about all texts added since texts_clear */
static err ask(search *s) {
    int n = texts_count(s->a->texts);
    if (n > s->cap) {
        s->cap = 2 * n;
        CALL(arena_alloc(s->a->scratch, (size_t)s->cap * (size_t)s->K, sizeof *s->p, &s->p));
    }
    s->r->queries += n;
    CALL(texts_classify(s->a->texts, s->ws, s->victim, s->p));
    for (int i = 0; i < n * s->K; i++)
        CHECK(isfinite(s->p[i]), ERR_FAILED, "the model's output is not finite");
    for (int i = 0; i < n; i++) {
        attack_query *q = &s->r->query[s->r->n_query - n + i];
        q->prob = of_label(s, i);
        q->predicted = predicted(s, i);
    }
    return OK;
}

typedef struct ranked {
    double key; /* lower comes first */
    int index;
} ranked;

static int by_key(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index - y->index;
}

/* how close the answer to text i was: between the true class and the best of the others */
static void note_answer(search *s, int i) {
    const double *p = s->p + (size_t)i * (size_t)s->K;
    for (int k = 0; k < s->K; k++)
        if (k != s->label)
            s->r->margin = fmin(s->r->margin, fabs(p[s->label] - p[k]));
}

/* how many more texts the victim may be asked about */
static int64_t budget_left(const search *s) {
    int64_t budget = s->a->o.query_budget;
    return budget > 0 ? budget - s->r->queries : INT64_MAX;
}

/* words that are no stop words, by the drop of the true class's probability when they are deleted
 */
static err rank_words(search *s) {
    ranked *list;
    const wording *w = &s->original;
    int n = 0;
    CALL(arena_alloc(s->a->scratch, (size_t)w->n + 1, sizeof *list, &list));
    texts_clear(s->a->texts);
    for (int i = 0; i < w->n; i++) {
        if (n >= budget_left(s))
            break;
        if (dictionary_find(s->a->stop, w->word[i], strlen(w->word[i])) >= 0)
            continue;
        list[n++].index = i;
        CALL(
            add_text(s, w, i, (attack_query){.purpose = QUERY_RANK, .word = i, .similarity = NAN}));
    }
    CALL(ask(s));
    for (int k = 0; k < n; k++)
        list[k].key = of_label(s, k);
    qsort(list, (size_t)n, sizeof *list, by_key);
    CALL(mem_alloc((size_t)n + 1, sizeof *s->r->order, &s->r->order));
    s->r->n_order = n;
    for (int k = 0; k < n; k++) {
        s->r->order[k] = list[k].index;
        if (k > 0)
            s->r->rank_gap = fmin(s->r->rank_gap, list[k].key - list[k - 1].key);
    }
    return OK;
}

/* tag set of word when it stands in place of word i of the original: tagged in context, four words
 * before and three after; the first occurrence of the word counts */
static err tag_in_context(search *s, int i, const char *word, uint16_t *tag) {
    enum { BEFORE = 4, AFTER = 3 };
    const char *context[BEFORE + 1 + AFTER];
    uint16_t tags[BEFORE + 1 + AFTER];
    int n = 0, at = 0;
    for (int k = i < BEFORE ? 0 : i - BEFORE; k < i; k++)
        context[n++] = s->original.word[k];
    context[n++] = word;
    for (int k = i + 1; k <= i + AFTER && k < s->original.n; k++)
        context[n++] = s->original.word[k];
    CALL(tagger_tag(s->a->tagger, context, n, tags, NULL));
    while (strcmp(context[at], word) != 0)
        at++;
    *tag = tags[at];
    return OK;
}

static int agree(const attack *a, uint16_t x, uint16_t y) {
    const uint16_t noun_verb = TAG_NOUN | TAG_VERB;
    return (x & y) || (a->o.noun_verb_swap && (x & noun_verb) && (y & noun_verb));
}

/* candidates for word i that keep its part of speech: list (n) */
static err candidates(search *s, int i, const char ***list, int *n) {
    attack *a = s->a;
    const char *lower, **near = NULL;
    int count;
    uint16_t tag, other;
    *n = 0;
    CALL(words_lower(a->scratch, s->original.word[i], &lower));
    CALL(neighbours_of(a->near, lower, (int)a->o.max_candidates, &near, &count));
    CALL(arena_alloc(a->scratch, (size_t)count + 1, sizeof **list, list));
    if (count == 0)
        return OK;
    CALL(tag_in_context(s, i, s->original.word[i], &tag));
    for (int k = 0; k < count; k++) {
        const char *word;
        CALL(words_case(a->scratch, s->original.word[i], near[k], &word));
        if (strcmp(word, s->original.word[i]) == 0)
            continue;
        CALL(tag_in_context(s, i, word, &other));
        if (agree(a, tag, other))
            (*list)[(*n)++] = word;
    }
    return OK;
}

/* first and last word of a window around word i (TextAttack: text_window_around_index) */
static void window(int n, int i, int size, int *first, int *last) {
    double half = (size - 1) / 2.0;
    if (n <= size) {
        *first = 0;
        *last = n - 1;
    } else if (i - half < 0) {
        *first = 0;
        *last = size - 1;
    } else if (i + half >= n) {
        *first = n - size;
        *last = n - 1;
    } else {
        *first = i - (int)ceil(half);
        *last = i + (int)floor(half);
    }
}

/* drop candidates whose window is not similar enough; alike (n) of those kept, NaN: not tested */
static err keep_similar(search *s, int i, const char **list, int *n, double **alike) {
    attack *a = s->a;
    CALL(arena_alloc(a->scratch, (size_t)*n + 1, sizeof **alike, alike));
    for (int k = 0; k < *n; k++)
        (*alike)[k] = NAN;
    if (!a->alike || s->current.n < a->o.similarity_window || *n == 0)
        return OK;
    int first, last, kept = 0;
    window(s->current.n, i, a->o.similarity_window > 0 ? (int)a->o.similarity_window : s->current.n,
           &first, &last);
    strbuf text = {0};
    const char **others;
    char *copy;
    const char *word = s->current.word[i];
    err e;
    TRY(arena_alloc(a->scratch, (size_t)*n + 1, sizeof *others, &others));
    for (int k = 0; k <= *n; k++) { /* candidates, then the current text */
        s->current.word[i] = k < *n ? list[k] : word;
        strbuf_clear(&text);
        TRY(words_window(&s->current, first, last, &text));
        TRY(arena_alloc(a->scratch, text.len + 1, 1, &copy));
        memcpy(copy, text.text, text.len + 1);
        others[k] = copy;
    }
    TRY(similarity_score(a->alike, others[*n], others, *n, *alike));
    for (int k = 0; k < *n; k++) {
        s->r->margin = fmin(s->r->margin, fabs((*alike)[k] - a->o.similarity));
        if ((*alike)[k] >= a->o.similarity) {
            list[kept] = list[k];
            (*alike)[kept++] = (*alike)[k];
        }
    }
    *n = kept;
done:
    s->current.word[i] = word;
    strbuf_free(&text);
    return e;
}

/* candidates by their score, best first: p of the true class, ties by position */
static err sort_candidates(search *s, int n, ranked **out) {
    CALL(arena_alloc(s->a->scratch, (size_t)n + 1, sizeof **out, out));
    for (int k = 0; k < n; k++)
        (*out)[k] = (ranked){of_label(s, k), k};
    qsort(*out, (size_t)n, sizeof **out, by_key);
    if (n > 1)
        s->r->margin = fmin(s->r->margin, (*out)[1].key - (*out)[0].key);
    return OK;
}

/* among the leading candidates that change the label the most similar one; the best if none was
 * tested */
static int choose(const search *s, const ranked *sorted, int n, const double *alike) {
    int best = 0;
    for (int k = 0; k < n && predicted(s, sorted[k].index) != s->label; k++)
        if (alike[sorted[k].index] > alike[sorted[best].index])
            best = k;
    return best;
}

/* try to replace word i; done is set when the label has changed */
static err replace_word(search *s, int i, int *done) {
    const char **list;
    double *alike;
    ranked *sorted;
    int n;
    CALL(candidates(s, i, &list, &n));
    CALL(keep_similar(s, i, list, &n, &alike));
    if (n > budget_left(s)) /* as in TextAttack: as many as are left, in their order */
        n = (int)budget_left(s);
    if (n == 0)
        return OK;
    texts_clear(s->a->texts);
    const char *before = s->current.word[i];
    for (int k = 0; k < n; k++) {
        s->current.word[i] = list[k];
        CALL(add_text(
            s, &s->current, -1,
            (attack_query){.purpose = QUERY_CANDIDATE, .word = i, .similarity = alike[k]}));
    }
    s->current.word[i] = before;
    CALL(ask(s));
    CALL(sort_candidates(s, n, &sorted));
    s->r->margin = fmin(s->r->margin, fabs(s->now - sorted[0].key));
    if (!(sorted[0].key < s->now))
        return OK;
    note_answer(s, sorted[0].index);
    int flips = predicted(s, sorted[0].index) != s->label;
    int pick = sorted[flips ? choose(s, sorted, n, alike) : 0].index;
    s->current.word[i] = list[pick];
    s->now = of_label(s, pick);
    s->r->query[s->r->n_query - n + pick].taken = 1;
    CALL(attack_result_change(s->r, i, s->original.word[i], list[pick]));
    if (!isnan(alike[pick]))
        s->r->similarity =
            isnan(s->r->similarity) ? alike[pick] : fmin(s->r->similarity, alike[pick]);
    if (flips) {
        s->r->outcome = ATTACK_SUCCESS;
        *done = 1;
    }
    return OK;
}

static err final_text(search *s) {
    strbuf text = {0};
    CALL(words_join(&s->current, -1, &text));
    if (!text.text)
        CALL(strbuf_add(&text, "", 0));
    s->r->final_text = text.text; /* now the result's */
    s->r->final_prob = s->now;
    return OK;
}

err textfooler(attack *a, encoder_ws *ws, const encoder *victim, const char *text, int label,
               attack_result *r) {
    search s = {.a = a, .ws = ws, .victim = victim, .label = label, .K = victim->c.K, .r = r};
    CHECK(label >= 0 && label < s.K, ERR_DATA, "label %d, but the model has %d classes", label,
          s.K);
    CALL(words_split(a->scratch, text, &s.original));
    s.current = s.original;
    CALL(
        arena_alloc(a->scratch, (size_t)s.original.n + 1, sizeof *s.current.word, &s.current.word));
    memcpy(s.current.word, s.original.word, (size_t)s.original.n * sizeof *s.current.word);
    r->words = s.original.n;
    texts_clear(a->texts);
    CALL(add_text(&s, &s.original, -1,
                  (attack_query){.purpose = QUERY_ORIGINAL, .word = -1, .similarity = NAN}));
    CALL(ask(&s));
    r->prob = s.now = of_label(&s, 0);
    note_answer(&s, 0);
    if (predicted(&s, 0) != label) {
        r->outcome = ATTACK_SKIPPED;
        return final_text(&s);
    }
    r->outcome = ATTACK_FAILED;
    CALL(rank_words(&s));
    int done = 0;
    for (int k = 0; k < r->n_order && !done && budget_left(&s) > 0; k++)
        CALL(replace_word(&s, r->order[k], &done));
    return final_text(&s);
}
