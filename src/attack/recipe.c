#include "attack/recipe.h"

#include "config/option.h"

#include <stdio.h>
#include <string.h>

/* name, what it is; ranking, source, candidates, cosine; part of speech; similarity: measure,
 * lowest, of short texts, window, to the original; words changed: share, at least; edits; accept */
static const recipe TABLE[RECIPES] = {
    {"textfooler", "synonyms by word vectors; TextAttack's definition", RANK_DELETE,
     FROM_NEIGHBOURS, 50, 0.5, SPEECH_NOUN_VERB, 0, "angular", 0.840845, RECIPE_OWN, 15, 0, 1.0, 0,
     0, ACCEPT_LOWER},
    {"textfooler-original", "the same by its authors' code and thresholds", RANK_UNK_FLIP,
     FROM_NEIGHBOURS, 50, 0.5, SPEECH_NOUN_VERB, 1, "arccos", 0.7, 0.1, 15, 0, 1.0, 0, 0,
     ACCEPT_ORIGINAL},
    {"pwws", "WordNet's synonyms, ranked by saliency times best drop", RANK_SALIENCY, FROM_SYNONYMS,
     1000, RECIPE_OWN, SPEECH_STRICT, 0, "angular", RECIPE_OWN, RECIPE_OWN, 0, 0, 1.0, 0, 0,
     ACCEPT_LOWER},
    {"textbugger", "typing errors, look-alikes and five nearest words", RANK_DELETE, FROM_BUGS, 5,
     RECIPE_OWN, SPEECH_ANY, 0, "cosine", 0.8, 0.8, 0, 1, 1.0, 0, 0, ACCEPT_LOWER},
    {"bert-attack", "words that a masked-language model proposes", RANK_UNK, FROM_MASKED_LM, 48,
     RECIPE_OWN, SPEECH_ANY, 0, "cosine", 0.2, 0.2, 0, 1, 0.4, 0, 0, ACCEPT_LOWER},
    {"deepwordbug", "random edits of characters, at most 30 a text", RANK_UNK, FROM_EDITS, 4,
     RECIPE_OWN, SPEECH_ANY, 0, "angular", RECIPE_OWN, RECIPE_OWN, 0, 0, 1.0, 0, 30, ACCEPT_LOWER},
    {"a2t", "close synonyms of few words, ranked by gradient", RANK_GRADIENT, FROM_NEIGHBOURS, 20,
     0.8, SPEECH_STRICT, 0, "cosine", 0.9, 0.9, 0, 0, 0.1, 4, 0, ACCEPT_LOWER},
};

const recipe *recipe_at(int i) {
    return &TABLE[i];
}

int recipe_wants_neighbours(const recipe *r) {
    return r->from == FROM_NEIGHBOURS || r->from == FROM_BUGS;
}

err recipe_options(const char *name, attack_options *out) {
    section s;
    CHECK(section_find("attack", &s), ERR_FAILED, "there are no options of attack");
    for (int i = 0; i < s.n; i++)
        CALL(option_default(&s.options[i], (char *)out + s.options[i].offset));
    snprintf(out->recipe, sizeof out->recipe, "%s", name);
    return OK;
}

static void settle_similarity(const attack_options *o, recipe *r) {
    if (strcmp(o->similarity_measure, "recipe") != 0)
        r->measure = o->similarity_measure;
    if (o->similarity != RECIPE_OWN) {
        r->similarity = o->similarity;
        if (r->similarity_short != RECIPE_OWN)
            r->similarity_short = o->similarity;
    }
    if (o->similarity_window >= 0)
        r->window = (int)o->similarity_window;
    if (strcmp(o->similarity_to, "recipe") != 0)
        r->to_original = strcmp(o->similarity_to, "original") == 0;
    if (strcmp(o->similarity_source, "none") == 0)
        r->similarity = r->similarity_short = RECIPE_OWN;
}

err recipe_settle(const attack_options *o, recipe *out) {
    static const char *const speeches[] = {"any", "strict", "noun-verb"};
    int i = 0;
    while (i < RECIPES && strcmp(TABLE[i].name, o->recipe) != 0)
        i++;
    CHECK(i < RECIPES, ERR_USAGE, "attack.recipe: there is no recipe \"%s\"", o->recipe);
    *out = TABLE[i];
    if (o->max_candidates > 0)
        out->max_candidates = (int)o->max_candidates;
    if (o->min_cosine != RECIPE_OWN)
        out->min_cosine = o->min_cosine;
    for (int k = 0; k < 3; k++)
        if (strcmp(o->part_of_speech, speeches[k]) == 0)
            out->pos = (speech)k;
    if (o->max_changed > 0.0) {
        out->max_changed = o->max_changed;
        out->least_changed = 0;
    }
    if (o->max_edits > 0)
        out->max_edits = (int)o->max_edits;
    settle_similarity(o, out);
    return OK;
}

err recipe_another(const attack_options *o, const char *name, attack_options *out) {
    attack_options own;
    CALL(recipe_options(name, &own));
    *out = *o;
    memcpy(out->recipe, own.recipe, sizeof own.recipe);
    memcpy(out->part_of_speech, own.part_of_speech, sizeof own.part_of_speech);
    memcpy(out->similarity_measure, own.similarity_measure, sizeof own.similarity_measure);
    memcpy(out->similarity_to, own.similarity_to, sizeof own.similarity_to);
    out->min_cosine = own.min_cosine;
    out->max_candidates = own.max_candidates;
    out->similarity = own.similarity;
    out->similarity_window = own.similarity_window;
    out->max_changed = own.max_changed;
    out->max_edits = own.max_edits;
    return OK;
}

err recipe_list(strbuf *out) {
    for (int i = 0; i < RECIPES; i++)
        CALL(strbuf_printf(out, "  %-20s %s\n", TABLE[i].name, TABLE[i].help));
    return OK;
}
