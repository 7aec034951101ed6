/* parts of speech: each source on small files of our own, the system's WordNet and the recorded
 * NLTK tags where they are there */
#include "io/atomic_file.h"
#include "io/lines.h"
#include "text/tagger.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static char folder[64];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/espalier-tagger-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *put(const char *name, const char *text) {
    static char path[4096];
    ck_ok(path_join(path, folder, name));
    ck_ok(atomic_write(path, text, strlen(text)));
    return path;
}

static uint16_t tag_of(const tagger *t, const char *word) {
    uint16_t tag;
    ck_ok(tagger_tag(t, &word, 1, &tag, NULL));
    return tag;
}

/* the Penn tags of a text, set apart by blanks */
static const char *penn_of(const tagger *t, const char *const *words, int n) {
    static char out[512];
    uint16_t tags[16];
    int16_t penn[16];
    size_t used = 0;
    ck_ok(tagger_tag(t, words, n, tags, penn));
    out[0] = '\0';
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", i ? " " : "",
                                 tagger_penn_name(t, penn[i]));
    return out;
}

START_TEST(none_agrees_with_everything) {
    tagger *t;
    ck_ok(tagger_open("none", "", &t));
    uint16_t all = tag_of(t, "anything");
    ck_assert_uint_eq(all & (TAG_NOUN | TAG_X | TAG_PUNCT), TAG_NOUN | TAG_X | TAG_PUNCT);
    tagger_close(&t);
    ck_assert_int_eq(tagger_open("flair", "", &t), ERR_USAGE);
}
END_TEST

START_TEST(lexicon_unites_the_lines_of_a_word) {
    tagger *t;
    ck_ok(tagger_open("lexicon", put("tags.tsv", "run\tNOUN\ngood\tADJ\nrun\tVERB\n,\t.\n"), &t));
    ck_assert_uint_eq(tag_of(t, "run"), TAG_NOUN | TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "Good"), TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, ","), TAG_PUNCT);
    ck_assert_str_eq(tag_name(TAG_PUNCT), ".");
    ck_assert_uint_eq(tag_of(t, "unheard-of") & (TAG_ADJ | TAG_VERB), 0);
    tagger_close(&t);
}
END_TEST

START_TEST(lexicon_refuses_bad_lines) {
    tagger *t = NULL;
    ck_assert_int_eq(tagger_open("lexicon", put("a.tsv", "run\tNOUN\nwalk\n"), &t), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "a.tsv:2: "));
    ck_assert_int_eq(tagger_open("lexicon", put("b.tsv", "run\tNOUN\nof\tPREP\n"), &t), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "b.tsv:2: "));
    ck_assert_ptr_nonnull(strstr(err_message(), "PREP"));
    ck_assert_int_eq(tagger_open("lexicon", "/nowhere/tags.tsv", &t), ERR_IO);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(wordnet_knows_inflected_forms) {
    tagger *t;
    put("index.noun", "  1 a licence line\nstory n 1\nchurch n 1\nman n 1\nin n 1\nred n 1\n");
    put("index.verb", "make v 1\ntry v 1\nrun v 1\nwatch v 1\n");
    put("index.adj", "nice a 1\ntall a 1\nred a 1\n");
    put("index.adv", "well r 1\n");
    put("noun.exc", "mice mouse\n");
    put("verb.exc", "ran run\n");
    put("adj.exc", "redder red\n");
    put("adv.exc", "better well\n");
    ck_ok(tagger_open("wordnet", folder, &t));
    ck_assert_uint_eq(tag_of(t, "stories"), TAG_NOUN);
    ck_assert_uint_eq(tag_of(t, "Churches"), TAG_NOUN);
    ck_assert_uint_eq(tag_of(t, "men"), TAG_NOUN);
    ck_assert_uint_eq(tag_of(t, "mice"), TAG_NOUN);
    ck_assert_uint_eq(tag_of(t, "making"), TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "tried") & TAG_VERB, 0); /* "ied" is in no rule: WordNet lists it */
    ck_assert_uint_eq(tag_of(t, "tries"), TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "watches"), TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "ran"), TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "taller"), TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, "nicest"), TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, "redder"), TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, "better"), TAG_ADV);
    ck_assert_uint_eq(tag_of(t, "red"), TAG_NOUN | TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, "in") & TAG_NOUN, 0); /* the function word, not the inch */
    ck_assert_uint_eq(tag_of(t, "was"), TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "1984"), TAG_NUM);
    ck_assert_uint_eq(tag_of(t, "."), TAG_PUNCT);
    ck_assert_uint_eq(tag_of(t, "..."), TAG_PUNCT);
    ck_assert_uint_eq(tag_of(t, ".net"), TAG_NOUN);
    ck_assert_uint_eq(tag_of(t, "Kurosawa"), TAG_NOUN); /* what nobody knows is a name */
    ck_assert_uint_eq(tag_of(t, "men's"), TAG_NOUN);
    tagger_close(&t);
}
END_TEST

START_TEST(wordnet_of_the_system) {
    tagger *t;
    if (access("/usr/share/wordnet/index.noun", R_OK) != 0) {
        printf("skipped: WordNet's database is not installed (wordnet-base)\n");
        return;
    }
    ck_ok(tagger_open("wordnet", "", &t));
    ck_assert_uint_eq(tag_of(t, "stopped") & TAG_VERB, TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "brilliantly"), TAG_ADV);
    ck_assert_uint_eq(tag_of(t, "charming") & TAG_ADJ, TAG_ADJ);
    ck_assert_uint_eq(tag_of(t, "films"), TAG_NOUN | TAG_VERB);
    ck_assert_uint_eq(tag_of(t, "was"), TAG_VERB); /* not the plural of the Wa */
    ck_assert_uint_eq(tag_of(t, "he"), TAG_PRON);  /* not helium */
    tagger_close(&t);
}
END_TEST

START_TEST(wordnet_that_is_not_there) {
    tagger *t = NULL;
    ck_assert_int_ne(tagger_open("wordnet", "/nowhere", &t), OK);
    ck_assert_ptr_nonnull(strstr(err_message(), "wordnet-base"));
    put("index.noun", "story n 1\n");
    ck_assert_int_eq(tagger_open("wordnet", folder, &t), ERR_IO);
    ck_assert_ptr_null(t);
}
END_TEST

/* Weights whose sums are easily made by hand: "the" is known; a word after it is NN by 2, a word in
 * -ing VBG by 3, the word after a VBG JJ by 1; without any feature all scores are 0 and the largest
 * name wins. */
static const char toy[] =
    "{\"classes\": [\"DT\", \"JJ\", \"NN\", \"VBG\", \"CD\"], \"tagdict\": {\"the\": \"DT\"},\n"
    " \"weights\": {\"i-1 tag DT\": {\"NN\": 2.0}, \"i suffix ing\": {\"VBG\": 3.0},\n"
    "  \"i-1 tag VBG\": {\"JJ\": 1.0}, \"i word !YEAR\": {\"CD\": 1.0},\n"
    "  \"i-1 word !HYPHEN\": {\"JJ\": 1.0}, \"i+1 word -END-\": {\"CD\": 0.25, \"VBG\": -1.0},\n"
    "  \"i-2 word -START-\": {\"DT\": 0.125}, \"i tag+i-2 tag DT -START-\": {\"NN\": 0.5},\n"
    "  \"i pref1 \\u00e9\": {\"JJ\": 5.0}, \"i suffix \\u00e9\\u00e9\\u00e9\": {\"NN\": 9.0}}}\n";

START_TEST(perceptron_by_hand) {
    tagger *t;
    const char *singing[] = {"the", "singing", "dog"}, *years[] = {"1984", "dog"},
               *hyphen[] = {"well-worn", "joke"}, *accent[] = {"\u00e9\u00e9\u00e9", "\u00e9t"},
               *upper[] = {"The", "SINGING", "dog"};
    ck_ok(tagger_open("perceptron", put("p.json", toy), &t));
    /* VBG 3 > NN 2 + 0.5; dog: JJ 1 after VBG against CD 0.25 at the end */
    ck_assert_str_eq(penn_of(t, singing, 3), "DT VBG JJ");
    /* 1984: CD 1, DT .125; dog after CD: CD .25 */
    ck_assert_str_eq(penn_of(t, years, 2), "CD CD");
    /* well-worn: DT .125; joke: NN 2 after DT, JJ 1, CD .25 */
    ck_assert_str_eq(penn_of(t, hyphen, 2), "DT NN");
    /* characters, not bytes: suffix of three, first of one */
    ck_assert_str_eq(penn_of(t, accent, 2), "NN JJ");
    /* the dictionary and the word's own suffix know case: "The" is not "the" and gets DT by the
     * start; SINGING is no -ing, NN 2.5; dog after NN: CD .25 */
    ck_assert_str_eq(penn_of(t, upper, 3), "DT NN CD");
    ck_assert_uint_eq(tag_of(t, "the"), TAG_DET);
    tagger_close(&t);
}
END_TEST

START_TEST(perceptron_ties_go_to_the_larger_name) {
    tagger *t;
    const char *words[] = {"x", "x", "x", "x"};
    ck_ok(tagger_open("perceptron",
                      put("t.json", "{\"classes\": [\"NN\", \"VB\", \"JJ\"], \"tagdict\": {},"
                                    " \"weights\": {\"i-1 tag VB\": {\"JJ\": 1.5, \"NN\": 1.5}}}"),
                      &t));
    ck_assert_str_eq(penn_of(t, words, 4), "VB NN VB NN");
    tagger_close(&t);
}
END_TEST

START_TEST(perceptron_refuses_other_files) {
    static const char *const bad[] = {
        "[]", "{\"classes\": [\"NN\"], \"tagdict\": {}}",
        "{\"classes\": [\"NN\"], \"tagdict\": {\"a\": \"DT\"}, \"weights\": {\"bias\": {\"NN\": "
        "1}}}",
        "{\"classes\": [\"NN\"], \"tagdict\": {}, \"weights\": {\"bias\": {\"NN\": \"1\"}}}",
        "{\"classes\": [\"NN\"], \"tagdict\": {}, \"weights\": {\"bias\": {\"NN\": 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tagger *t = NULL;
        ck_assert_int_eq(tagger_open("perceptron", put("bad.json", bad[i]), &t), ERR_DATA);
        ck_assert_ptr_null(t);
    }
}
END_TEST

/* words over any buffer's size must do no harm, and none of them is known */
START_TEST(very_long_words) {
    static char word[100000];
    const char *words[] = {word, word};
    static const char *const sources[][2] = {
        {"lexicon", "tags.tsv"}, {"perceptron", "p.json"}, {"none", ""}};
    memset(word, 'a', sizeof word - 1);
    put("tags.tsv", "run\tVERB\n");
    put("p.json", toy);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        char path[4096];
        tagger *t;
        uint16_t tags[2];
        ck_ok(path_join(path, folder, sources[i][1]));
        ck_ok(tagger_open(sources[i][0], path, &t));
        ck_ok(tagger_tag(t, words, 2, tags, NULL));
        ck_assert_uint_ne(tags[1], 0);
        tagger_close(&t);
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("tagger");
    TCase *c = tcase_create("sources");
    tcase_add_checked_fixture(c, make_folder, remove_folder);
    tcase_add_test(c, none_agrees_with_everything);
    tcase_add_test(c, lexicon_unites_the_lines_of_a_word);
    tcase_add_test(c, lexicon_refuses_bad_lines);
    tcase_add_test(c, wordnet_knows_inflected_forms);
    tcase_add_test(c, wordnet_of_the_system);
    tcase_add_test(c, wordnet_that_is_not_there);
    tcase_add_test(c, perceptron_by_hand);
    tcase_add_test(c, perceptron_ties_go_to_the_larger_name);
    tcase_add_test(c, perceptron_refuses_other_files);
    tcase_add_test(c, very_long_words);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
