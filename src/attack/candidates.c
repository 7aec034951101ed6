#include "attack/candidates.h"

#include "attack/edits.h"

#include <string.h>

/* Tag set of word when it stands in place of word i of w: tagged among the four words before and
 * three behind, where its first occurrence counts (TextAttack's rule). */
static err tag_in_context(const attack *a, const wording *w, int i, const char *word,
                          uint16_t *tag) {
    enum { BEFORE = 4, AFTER = 3 };
    const char *context[BEFORE + 1 + AFTER];
    uint16_t tags[BEFORE + 1 + AFTER];
    int n = 0, at = 0;
    for (int k = i < BEFORE ? 0 : i - BEFORE; k < i; k++)
        context[n++] = w->word[k];
    context[n++] = word;
    for (int k = i + 1; k <= i + AFTER && k < w->n; k++)
        context[n++] = w->word[k];
    CALL(tagger_tag(a->tagger, context, n, tags, NULL));
    while (strcmp(context[at], word) != 0)
        at++;
    *tag = tags[at];
    return OK;
}

int candidates_agree(const attack *a, uint16_t x, uint16_t y) {
    const uint16_t noun_verb = TAG_NOUN | TAG_VERB;
    if (a->how.pos == SPEECH_ANY)
        return 1;
    return (x & y) || (a->how.pos == SPEECH_NOUN_VERB && (x & noun_verb) && (y & noun_verb));
}

/* room for what follows in list */
static err begin(arena *memory, int room, const char ***list, int *n) {
    *n = 0;
    return arena_alloc(memory, (size_t)room + 1, sizeof **list, list);
}

/* near words, those beyond the recipe's cosine left out where there are vectors */
static err add_near(attack *a, arena *memory, const char *word, const char **list, int *n) {
    const char *lower, **near = NULL;
    int count;
    CALL(words_lower(memory, word, &lower));
    CALL(neighbours_of(a->near, lower, a->how.max_candidates, &near, &count));
    for (int k = 0; k < count; k++)
        list[(*n)++] = near[k];
    return OK;
}

static err find_bugs(attack *a, arena *memory, const char *word, const char ***list, int *n) {
    const char **bugs;
    int count, before;
    CALL(edits_bugs(memory, a->seed, word, &bugs, &count));
    CALL(begin(memory, count + a->how.max_candidates, list, n));
    for (int k = 0; k < count; k++)
        (*list)[(*n)++] = bugs[k];
    before = *n;
    CALL(add_near(a, memory, word, *list, n));
    count = *n;
    *n = before; /* near words in the word's case, those left out that a bug made as well */
    for (int k = before; k < count; k++) {
        int same = 0;
        CALL(words_case(memory, word, (*list)[k], &(*list)[*n]));
        for (int j = 0; j < *n; j++)
            same |= strcmp((*list)[j], (*list)[*n]) == 0;
        *n += !same;
    }
    return OK;
}

/* the masked-language model reads the text once: what it proposes for the other words is kept */
static err find_masked(attack *a, arena *memory, const wording *w, uint64_t text, int i,
                       const char ***list, int *n) {
    proposals *p;
    CALL(arena_alloc(memory, (size_t)w->n + 1, sizeof *p, &p));
    CALL(masked_lm_propose(a->masked, memory, w, a->how.max_candidates, p));
    for (int k = 0; k < w->n; k++) {
        for (int j = 0; j < p[k].n; j++)
            CALL(words_case(memory, w->word[k], p[k].word[j], &p[k].word[j]));
        if (k != i)
            CALL(candidate_store_put(a->kept, text, -1 - k, p[k].word, p[k].n));
    }
    *list = p[i].word;
    *n = p[i].n;
    return OK;
}

/* proposals may have been found when another word of the text was asked about */
static err masked_words(attack *a, arena *memory, const wording *w, uint64_t text, int i,
                        const char ***list, int *n) {
    const char *const *kept;
    if (!candidate_store_get(a->kept, text, -1 - i, &kept, n))
        return find_masked(a, memory, w, text, i, list, n);
    CALL(arena_alloc(memory, (size_t)*n + 1, sizeof **list, list));
    memcpy(*list, kept, (size_t)*n * sizeof *kept);
    return OK;
}

/* what the source says */
static err find(attack *a, arena *memory, const wording *w, uint64_t text, int i,
                const char ***list, int *n) {
    const char *word = w->word[i];
    uint16_t tag = UINT16_MAX;
    switch (a->how.from) {
    case FROM_NEIGHBOURS:
        CALL(begin(memory, a->how.max_candidates, list, n));
        return add_near(a, memory, word, *list, n);
    case FROM_SYNONYMS:
        if (a->how.pos != SPEECH_ANY)
            CALL(tag_in_context(a, w, i, word, &tag));
        CALL(wordnet_synonyms_of(a->wordnet, memory, word, tag, list, n));
        *n = *n < a->how.max_candidates ? *n : a->how.max_candidates;
        return OK;
    case FROM_BUGS:
        return find_bugs(a, memory, word, list, n);
    case FROM_EDITS:
        return edits_random(memory, a->seed, word, list, n);
    default:
        return masked_words(a, memory, w, text, i, list, n);
    }
}

/* Case and part of speech. Edited words are no words: they keep the case they have. Synonyms were
 * asked for by part of speech. */
static err keep_fitting(attack *a, arena *memory, const wording *w, int i, const char **list,
                        int *n) {
    const candidate_source from = a->how.from;
    int total = *n;
    int edited = from == FROM_BUGS || from == FROM_EDITS;
    int tagged =
        !edited && from != FROM_SYNONYMS && a->how.pos != SPEECH_ANY && !a->how.tag_current;
    uint16_t tag = 0, other;
    *n = 0;
    if (tagged && total > 0)
        CALL(tag_in_context(a, w, i, w->word[i], &tag));
    for (int k = 0; k < total; k++) {
        const char *word = list[k];
        if (!edited)
            CALL(words_case(memory, w->word[i], word, &word));
        if (strcmp(word, w->word[i]) == 0)
            continue;
        if (tagged)
            CALL(tag_in_context(a, w, i, word, &other));
        if (!tagged || candidates_agree(a, tag, other))
            list[(*n)++] = word;
    }
    return OK;
}

err candidates_of(attack *a, arena *memory, const wording *original, uint64_t text, int i,
                  const char ***list, int *n) {
    const char *const *kept;
    if (candidate_store_get(a->kept, text, i, &kept, n)) {
        CALL(arena_alloc(memory, (size_t)*n + 1, sizeof **list, list));
        memcpy(*list, kept, (size_t)*n * sizeof *kept);
        return OK;
    }
    CALL(find(a, memory, original, text, i, list, n));
    CALL(keep_fitting(a, memory, original, i, *list, n));
    return candidate_store_put(a->kept, text, i, *list, *n);
}
