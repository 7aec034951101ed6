#include "attack/constraint.h"

#include "attack/candidates.h"
#include "attack/edits.h"

#include <math.h>
#include <string.h>

/* The tag set of word i of w as the original TextFooler finds it: among four words before and four
 * behind, or the whole text when it has no more than ten words. */
static err tag_here(const change *c, const wording *w, uint16_t *tag) {
    int first = c->i < 4 ? 0 : c->i - 4, last = c->i + 5 < w->n ? c->i + 5 : w->n;
    uint16_t *tags;
    if (w->n <= 10) {
        first = 0;
        last = w->n;
    }
    CALL(arena_alloc(c->memory, (size_t)w->n, sizeof *tags, &tags));
    CALL(tagger_tag(c->a->tagger, w->word + first, last - first, tags, NULL));
    *tag = tags[c->i - first];
    return OK;
}

/* its whole text decides the original word's part of speech */
static err keep_speech(change *c) {
    int kept = 0;
    uint16_t *tags, other = 0;
    const char *word = c->current->word[c->i];
    CALL(arena_alloc(c->memory, (size_t)c->original->n, sizeof *tags, &tags));
    CALL(tagger_tag(c->a->tagger, c->original->word, c->original->n, tags, NULL));
    err e = OK;
    for (int k = 0; k < c->n && e == OK; k++) {
        c->current->word[c->i] = c->list[k];
        e = tag_here(c, c->current, &other);
        if (candidates_agree(c->a, tags[c->i], other))
            c->list[kept++] = c->list[k];
    }
    c->current->word[c->i] = word;
    c->n = kept;
    return e;
}

/* words first .. last of w, the candidate at word i, in the arena; NULL word: as it is */
static err copy_text(change *c, wording *w, const char *word, int first, int last,
                     const char **out) {
    strbuf text = {0};
    char *copy = NULL;
    const char *before = w->word[c->i];
    if (word)
        w->word[c->i] = word;
    err e = first == 0 && last == w->n - 1 && c->a->how.window == 0
                ? words_join(w, -1, &text)
                : words_window(w, first, last, &text);
    w->word[c->i] = before;
    if (e == OK)
        e = arena_alloc(c->memory, text.len + 1, 1, &copy);
    if (e == OK && text.len > 0)
        memcpy(copy, text.text, text.len);
    if (e == OK)
        copy[text.len] = '\0';
    strbuf_free(&text);
    *out = copy;
    return e;
}

static err keep_near_in_characters(change *c) {
    const char *before, *text;
    wording original = *c->original;
    int kept = 0, within, last = c->current->n - 1;
    CALL(copy_text(c, &original, NULL, 0, last, &before));
    for (int k = 0; k < c->n; k++) {
        arena_mark mark = arena_here(c->memory);
        CALL(copy_text(c, c->current, c->list[k], 0, last, &text));
        CALL(edits_within(c->memory, before, text, c->a->how.max_edits, &within));
        arena_release(c->memory, mark);
        if (within)
            c->list[kept++] = c->list[k];
    }
    c->n = kept;
    return OK;
}

static err list_texts(change *c) {
    const recipe *r = &c->a->how;
    wording reference = r->to_original ? *c->original : *c->current;
    int first, last;
    c->texts = NULL;
    c->lowest = c->current->n < r->window ? r->similarity_short : r->similarity;
    if (c->n == 0 || !c->a->alike || c->lowest == RECIPE_OWN)
        return OK;
    words_around(c->current->n, c->i, r->window, &first, &last);
    CALL(arena_alloc(c->memory, (size_t)c->n + 1, sizeof *c->texts, &c->texts));
    CALL(copy_text(c, &reference, NULL, first, last, &c->texts[0]));
    for (int k = 0; k < c->n; k++)
        CALL(copy_text(c, c->current, c->list[k], first, last, &c->texts[1 + k]));
    return OK;
}

err constraint_begin(change *c) {
    if (c->n > 0 && c->a->how.tag_current && c->a->how.pos != SPEECH_ANY)
        CALL(keep_speech(c));
    if (c->n > 0 && c->a->how.max_edits > 0)
        CALL(keep_near_in_characters(c));
    CALL(arena_alloc(c->memory, (size_t)c->n + 1, sizeof *c->alike, &c->alike));
    for (int k = 0; k < c->n; k++)
        c->alike[k] = NAN;
    return list_texts(c);
}

err constraint_end(change *c) {
    int kept = 0;
    if (!c->texts)
        return OK;
    CALL(similarity_score(c->a->alike, c->texts[0], c->texts + 1, c->n, c->alike));
    for (int k = 0; k < c->n; k++) {
        c->margin = fmin(c->margin, fabs(c->alike[k] - c->lowest));
        if (c->alike[k] >= c->lowest) {
            c->list[kept] = c->list[k];
            c->alike[kept++] = c->alike[k];
        }
    }
    c->n = kept;
    return OK;
}
