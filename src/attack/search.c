#include "attack/search.h"

#include "io/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

err search_open(search *s) {
    *s = (search){0};
    return arena_create(1 << 16, &s->memory);
}

void search_close(search *s) {
    arena_destroy(&s->memory);
    inquiry_free(&s->ask);
    free(s->sequence);
    *s = (search){0};
}

const double *search_answer(const search *s, int k) {
    return inquiry_answer(&s->ask, s->sequence[k]);
}

double search_true(const search *s, int k) {
    return search_answer(s, k)[s->label];
}

int search_predicted(const search *s, int k) {
    const double *p = search_answer(s, k);
    int best = 0;
    for (int c = 1; c < s->ask.K; c++)
        if (p[c] > p[best])
            best = c;
    return best;
}

int64_t search_budget(const search *s) {
    int64_t budget = s->a->o.query_budget;
    return budget > 0 ? budget - s->r->queries : INT64_MAX;
}

int search_by_key(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index - y->index;
}

void search_begin_step(search *s) {
    s->first_query = s->r->n_query;
    s->n_asked = 0;
}

/* one question, of these ids (n) and the text's hash */
static err put(search *s, int n, attack_query q) {
    CALL(mem_grow((size_t)s->n_asked + 1, sizeof *s->sequence, &s->sequence, &s->cap_asked));
    CALL(inquiry_ask(&s->ask, s->ids, n, &s->sequence[s->n_asked]));
    s->n_asked++;
    s->r->queries++;
    return attack_result_add(s->r, &q);
}

/* how many ids of a text the victim reads */
static int reads(const search *s) {
    return s->a->max_length < s->victim->c.P ? s->a->max_length : s->victim->c.P;
}

static err ask_text(search *s, const char *text, size_t len, attack_query q, int *cut) {
    int n;
    q.text = hash_u64(text, len);
    CALL(tokenizer_sequence(s->a->w, text, len, s->ids, reads(s), &n, cut));
    return put(s, n, q);
}

err search_ask(search *s, const wording *w, int skip, attack_query q) {
    strbuf text = {0};
    int cut;
    err e = words_join(w, skip, &text);
    if (e == OK)
        e = ask_text(s, text.text ? text.text : "", text.len, q, &cut);
    strbuf_free(&text);
    return e;
}

/* ids of text behind those there are; at most as many as the victim reads are stored */
static err append(search *s, const char *text, size_t len, int *n) {
    int more, room = reads(s) - 1 - *n;
    CALL(tokenizer_encode(s->a->w, len ? text : "", len, s->ids + *n, room > 0 ? room : 0, &more));
    *n += more < room ? more : room;
    return OK;
}

/* "[UNK]" in a text would be read as three pieces: its id is put between those of the two parts */
err search_ask_unknown(search *s, int i, attack_query q) {
    const tokenizer *w = s->a->w;
    wording o = s->original;
    strbuf text = {0};
    int n = 1, end = reads(s) - 1;
    size_t before = 0, behind;
    err e = OK;
    s->ids[0] = w->cls;
    for (int k = 0; k <= o.n && e == OK; k++) {
        e = strbuf_add(&text, o.gap[k], strlen(o.gap[k]));
        before = k == i ? text.len : before;
        if (e == OK && k < o.n)
            e = k == i ? strbuf_add(&text, "[UNK]", 5)
                       : strbuf_add(&text, o.word[k], strlen(o.word[k]));
    }
    TRY(e);
    q.text = hash_u64(text.text, text.len);
    behind = before + strlen("[UNK]");
    while (before > 0 && text.text[before - 1] == ' ')
        before--;
    TRY(append(s, text.text, before, &n));
    if (n < end)
        s->ids[n++] = w->unk;
    TRY(append(s, text.text + behind, text.len - behind, &n));
    s->ids[n++] = w->sep;
    e = put(s, n, q);
done:
    strbuf_free(&text);
    return e;
}

err search_ask_candidates(search *s, int i, const char *const *list, const double *alike, int n) {
    const char *before = s->current.word[i];
    err e = OK;
    for (int k = 0; k < n && e == OK; k++) {
        s->current.word[i] = list[k];
        e = search_ask(s, &s->current, -1,
                       (attack_query){.purpose = QUERY_CANDIDATE,
                                      .word = i,
                                      .similarity = alike ? alike[k] : NAN});
    }
    s->current.word[i] = before;
    return e;
}

void search_note(search *s, int k) {
    const double *p = search_answer(s, k);
    for (int c = 0; c < s->ask.K; c++)
        if (c != s->label)
            s->r->margin = fmin(s->r->margin, fabs(p[s->label] - p[c]));
}

err search_finish(search *s) {
    strbuf text = {0};
    CALL(words_join(&s->current, -1, &text));
    if (!text.text)
        CALL(strbuf_add(&text, "", 0));
    s->r->final_text = text.text; /* now the result's */
    s->r->final_prob = s->now;
    s->next = NULL;
    return OK;
}

/* the answer to the original text */
static err start(search *s) {
    s->r->prob = s->now = search_true(s, 0);
    search_note(s, 0);
    if (search_predicted(s, 0) != s->label) {
        s->r->outcome = ATTACK_SKIPPED;
        return search_finish(s);
    }
    s->r->outcome = ATTACK_FAILED;
    return search_rank(s);
}

err search_begin(search *s, attack *a, encoder_ws *ws, const encoder *victim, const char *text,
                 int label, attack_result *r) {
    const int K = victim->c.K;
    s->a = a;
    s->ws = ws;
    s->victim = victim;
    s->label = label;
    s->r = r;
    s->at = s->wishes = 0;
    *r = (attack_result){.label = label, .similarity = NAN, .rank_gap = 1.0, .margin = 1.0};
    CHECK(label >= 0 && label < K, ERR_DATA, "label %d, but the model has %d classes", label, K);
    arena_release(s->memory, (arena_mark){0});
    inquiry_begin(&s->ask, K);
    CALL(words_split(s->memory, text, &s->original));
    s->current = s->original;
    size_t n = (size_t)s->original.n;
    CALL(arena_alloc(s->memory, n + 1, sizeof *s->current.word, &s->current.word));
    memcpy(s->current.word, s->original.word, n * sizeof *s->current.word);
    CALL(arena_alloc(s->memory, (size_t)reads(s) + 1, sizeof *s->ids, &s->ids));
    s->text = hash_u64(text, strlen(text));
    r->words = s->original.n;
    s->next = start;
    search_begin_step(s);
    return ask_text(s, text, strlen(text),
                    (attack_query){.purpose = QUERY_ORIGINAL, .word = -1, .similarity = NAN},
                    &r->cut);
}

/* what was answered belongs to the queries, too */
static err take_answers(search *s) {
    for (int k = 0; k < s->n_asked; k++) {
        const double *p = search_answer(s, k);
        attack_query *q = &s->r->query[s->first_query + k];
        for (int c = 0; c < s->ask.K; c++)
            CHECK(isfinite(p[c]), ERR_FAILED, "the model's output is not finite");
        q->prob = search_true(s, k);
        q->predicted = search_predicted(s, k);
    }
    return OK;
}

err search_go_on(search *s) {
    while (s->next && !search_waits(s)) {
        CALL(take_answers(s));
        CALL(s->next(s));
    }
    return OK;
}
