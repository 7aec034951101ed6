/* synonyms by WordNet: a folder of our own, whose offsets are made here, and the system's */
#include "attack/wordnet_synonyms.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "scratch.h"
#include "text/tagger.h"

enum { SYNSETS = 8 };

/* data.NAME of the synsets' lemmas, and their offsets */
static void put_data(const char *name, const char *const *synset, long at[SYNSETS]) {
    strbuf b = {0};
    char path[64];
    ck_ok(strbuf_printf(&b, "  1 a licence\n"));
    for (int i = 0; i < SYNSETS && synset[i]; i++) {
        at[i] = (long)b.len;
        ck_ok(strbuf_printf(&b, "%08ld 03 n %s 000 | what it means\n", at[i], synset[i]));
    }
    snprintf(path, sizeof path, "wn/data.%s", name);
    put_text(path, b.text);
    strbuf_free(&b);
}

static void put_other(const char *name) {
    char path[64];
    static const char *const none[SYNSETS] = {"01 nothing 0"};
    long at[SYNSETS];
    strbuf b = {0};
    put_data(name, none, at);
    ck_ok(strbuf_printf(&b, "nothing %c 1 0 1 0 %08ld  \n", name[0], at[0]));
    snprintf(path, sizeof path, "wn/index.%s", name);
    put_text(path, b.text);
    snprintf(path, sizeof path, "wn/%s.exc", name);
    put_text(path, "nil nothing\n");
    strbuf_free(&b);
}

static void put_wordnet(void) {
    static const char *const nouns[SYNSETS] = {"03 film 0 movie 0 motion_picture 0",
                                               "02 film 1 Layer 0", "02 mouse 0 MOUSE 0",
                                               "02 leaf 0 foliage 0", "02 be 0 beryllium 0"};
    static const char *const adjectives[SYNSETS] = {"03 good 0 full(p) 0 good-for(ip) 1"};
    long at[SYNSETS];
    strbuf b = {0};
    ck_ok(dir_make("wn"));
    put_other("verb");
    put_other("adv");
    put_data("noun", nouns, at);
    ck_ok(strbuf_printf(&b, "  1 a licence\nfilm n 2 2 @ ~ 2 1 %08ld %08ld  \n", at[0], at[1]));
    ck_ok(strbuf_printf(&b, "mouse n 1 0 1 0 %08ld  \nleaf n 1 1 @ 1 0 %08ld  \n", at[2], at[3]));
    ck_ok(strbuf_printf(&b, "be n 1 0 1 0 %08ld  \n", at[4]));
    put_text("wn/index.noun", b.text);
    put_text("wn/noun.exc", "mice rat\nmice mouse\n");
    put_data("adj", adjectives, at);
    strbuf_clear(&b);
    ck_ok(strbuf_printf(&b, "good a 1 0 1 0 %08ld  \n", at[0]));
    put_text("wn/index.adj", b.text);
    put_text("wn/adj.exc", "better good\n");
    strbuf_free(&b);
}

static void ck_synonyms(const wordnet_synonyms *w, const char *word, uint16_t tags,
                        const char *expected) {
    arena *a = NULL;
    const char **list;
    int n;
    strbuf got = {0};
    ck_ok(arena_create(1 << 10, &a));
    ck_ok(wordnet_synonyms_of(w, a, word, tags, &list, &n));
    for (int i = 0; i < n; i++)
        ck_ok(strbuf_printf(&got, "%s%s", i ? " " : "", list[i]));
    ck_assert_msg(strcmp(got.text ? got.text : "", expected) == 0,
                  "%s: expected \"%s\", got \"%s\"", word, expected, got.text ? got.text : "");
    strbuf_free(&got);
    arena_destroy(&a);
}

START_TEST(lemmas_of_all_senses_in_order) {
    wordnet_synonyms *w = NULL;
    put_wordnet();
    ck_ok(wordnet_synonyms_open("wn", &w));
    ck_synonyms(w, "film", TAG_NOUN, "movie Layer"); /* no expressions of two words */
    ck_synonyms(w, "FILMS", TAG_NOUN, "film movie Layer");
    ck_synonyms(w, "film", TAG_VERB | TAG_ADJ, "");
    ck_synonyms(w, "film", UINT16_MAX, "movie Layer");
    ck_synonyms(w, "mice", TAG_NOUN, "mouse MOUSE"); /* the last line of the exceptions */
    ck_synonyms(w, "mouse", TAG_NOUN, "");           /* the same letters are the same word */
    ck_synonyms(w, "leaves", TAG_NOUN, "leaf foliage");
    ck_synonyms(w, "bess", TAG_NOUN, "be beryllium"); /* two endings off, one after the other */
    ck_synonyms(w, "good", TAG_ADJ, "full good-for"); /* without their markers */
    ck_synonyms(w, "better", TAG_ADJ, "good full good-for");
    ck_synonyms(w, "wombat", UINT16_MAX, "");
    ck_synonyms(w, "", UINT16_MAX, "");
    ck_synonyms(w, "s", UINT16_MAX, "");
    wordnet_synonyms_close(&w);
}
END_TEST

START_TEST(files_that_are_refused) {
    wordnet_synonyms *w = NULL;
    arena *a = NULL;
    const char **list;
    int n;
    ck_refused(wordnet_synonyms_open("nowhere", &w), ERR_USAGE, "install wordnet-base");
    put_wordnet();
    put_text("wn/index.noun", "film n 1 0 1 0 00000000\nfilm n 1 0 1 0 00000000\n");
    ck_refused(wordnet_synonyms_open("wn", &w), ERR_DATA, "wn/index.noun:2: the lemma \"film\"");
    put_text("wn/index.noun", "film\n");
    ck_refused(wordnet_synonyms_open("wn", &w), ERR_DATA, "wn/index.noun:1: expected a lemma");
    ck_ok(arena_create(1 << 10, &a));
    static const struct {
        const char *line, *message;
    } bad[] = {{"film n x 0 1 0 00000014\n", "wn/index.noun:1: expected numbers"},
               {"film n 2 0 2 0 00000014\n", "wn/index.noun:1: expected 2 synsets, got 1"},
               {"film n 1 0 1 0 00000015\n", "wn/data.noun: byte 15: expected a synset"},
               {"film n 1 0 1 0 99999999\n", "wn/data.noun: byte 99999999: expected a synset"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("wn/index.noun", bad[i].line);
        ck_ok(wordnet_synonyms_open("wn", &w));
        ck_refused(wordnet_synonyms_of(w, a, "film", TAG_NOUN, &list, &n), ERR_DATA,
                   bad[i].message);
        wordnet_synonyms_close(&w);
    }
    put_text("wn/index.noun", "film n 1 0 1 0 00000000\n");
    put_text("wn/data.noun", "00000000 03 n 02 film 0\n");
    ck_ok(wordnet_synonyms_open("wn", &w));
    ck_refused(wordnet_synonyms_of(w, a, "film", TAG_NOUN, &list, &n), ERR_DATA,
               "wn/data.noun: byte 0: expected 2 lemmas, got 1");
    wordnet_synonyms_close(&w);
    arena_destroy(&a);
}
END_TEST

/* expected values read off the files of WordNet 3.0 by hand, synset by synset */
START_TEST(the_systems_wordnet) {
    wordnet_synonyms *w = NULL;
    if (!path_exists("/usr/share/wordnet/index.noun"))
        return;
    ck_ok(wordnet_synonyms_open("", &w));
    ck_synonyms(w, "movies", TAG_NOUN, "movie film picture pic flick");
    ck_synonyms(w, "terrible", TAG_ADJ,
                "awful dire direful dread dreaded dreadful fearful fearsome frightening horrendous "
                "horrific atrocious abominable painful unspeakable severe wicked frightful "
                "tremendous");
    ck_synonyms(w, "quickly", TAG_ADV, "rapidly speedily chop-chop apace promptly quick cursorily");
    ck_synonyms(w, "slain", TAG_VERB | TAG_ADV, "murder slay hit dispatch off remove");
    ck_synonyms(w, "flies", TAG_NOUN, "fly tent-fly rainfly");
    wordnet_synonyms_close(&w);
}
END_TEST

int main(void) {
    Suite *s = suite_create("wordnet synonyms");
    TCase *t = tcase_create("wordnet");
    tcase_add_test(t, lemmas_of_all_senses_in_order);
    tcase_add_test(t, files_that_are_refused);
    tcase_add_test(t, the_systems_wordnet);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
