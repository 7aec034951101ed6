/* training a tagger, its file, and tagging of lines */
#include "text/tagger_train.h"

#include "base/strbuf.h"
#include "io/json.h"
#include "scratch.h"
#include "text/tag_lines.h"
#include "text/tagger_features.h"

static const tagger_plan once = {1, 1, "a test"}, often = {8, 1, "a test"};

static void train(const char *text, const tagger_plan *plan, const char *path,
                  tagger_trained *made) {
    tagged_text t = {0};
    put_text("train.tsv", text);
    ck_ok(tagged_text_read("train.tsv", &t));
    ck_ok(tagger_train(&t, plan, &t, path, made));
    tagged_text_free(&t);
}

/* One sentence of two words, one epoch. Step 1: all scores are 0, the larger name VB/VERB is
 * guessed, NN/NOUN is right: its weights of all features are +1 from here on, the other's -1. Step
 * 2 shares the bias (and more) with step 1: NN/NOUN is guessed, VB/VERB is right: +1 and -1 take
 * the shared weights back to 0. Means over two steps: .5 and -.5 of the first word's, nothing of
 * the second's.
 */
START_TEST(weights_by_hand) {
    tagger_trained made;
    json_t *file = NULL;
    train("ka\tNOUN\tNN\nlo\tVERB\tVB\n", &once, "t.json", &made);
    ck_assert_int_eq(made.classes, 2);
    ck_assert_int_eq(made.known, 0);
    ck_ok(json_read("t.json", &file));
    const json_t *weights = json_object_get(file, "weights");
    static const char *const halves[] = {"bias",
                                         "i suffix ka",
                                         "i pref1 k",
                                         "i-1 tag -START-",
                                         "i-2 tag -START2-",
                                         "i tag+i-2 tag -START- -START2-",
                                         "i word ka",
                                         "i-1 tag+i word -START- ka",
                                         "i-1 word -START2-",
                                         "i-1 suffix T2-",
                                         "i-2 word -START-",
                                         "i+1 word lo",
                                         "i+1 suffix lo",
                                         "i+2 word -END-",
                                         "i shape x",
                                         "i shape+i+1 shape x x",
                                         "i-1 word+i word -START2- ka",
                                         "i word+i+1 word ka lo"};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        const json_t *w = json_object_get(weights, halves[i]);
        ck_assert_msg(json_number_value(json_object_get(w, "NN/NOUN")) == 0.5 &&
                          json_number_value(json_object_get(w, "VB/VERB")) == -0.5,
                      "%s", halves[i]);
    }
    ck_assert_ptr_null(json_object_get(weights, "i word lo"));
    ck_assert_int_eq((int)json_object_size(weights), FEATURE_COUNT);
    const json_t *tags = json_object_get(json_object_get(file, "tags"), "VB/VERB");
    ck_assert_str_eq(json_string_value(json_array_get(tags, 0)), "VB");
    ck_assert_str_eq(json_string_value(json_array_get(tags, 1)), "VERB");
    json_decref(file);
}
END_TEST

/* a word seen twenty times with one tag needs no weights; with another one in 20 it does */
START_TEST(known_words) {
    strbuf text = {0};
    tagger_trained made;
    json_t *file = NULL;
    for (int i = 0; i < 20; i++)
        ck_ok(strbuf_printf(&text, "the\tDET\tDT\nrun\t%s\nrare\tADJ\tJJ\n\n",
                            i ? "NOUN\tNN" : "VERB\tVB"));
    for (int i = 0; i < 14; i++)
        ck_ok(strbuf_printf(&text, "the\tDET\tDT\n\n"));
    ck_ok(strbuf_printf(&text, "the\tPRON\tPRP\n")); /* 34 of 35 are 97.1 % */
    train(text.text, &once, "t.json", &made);
    ck_assert_int_eq(made.known, 2);
    ck_ok(json_read("t.json", &file));
    const json_t *known = json_object_get(file, "tagdict");
    ck_assert_str_eq(json_string_value(json_object_get(known, "the")), "DT/DET");
    ck_assert_str_eq(json_string_value(json_object_get(known, "rare")), "JJ/ADJ");
    json_decref(file);
    strbuf_free(&text);
}
END_TEST

/* a small language: a word's tag depends on the word before */
static void language(strbuf *text) {
    static const char *const word[] = {"bim", "bam",        "bom",           "Caro",
                                       "12",  "well-known", "d\u00e9j\u00e0"};
    static const char *const tag[] = {"NOUN\tNN", "VERB\tVB", "AUX\tMD", "PROPN\tNNP", "NUM\tCD"};
    for (int i = 0, last = 0; i < 400; i++) {
        int w = (i * i + i / 7) % 7, k = (w + last) % 5;
        ck_ok(strbuf_printf(text, "%s\t%s\n%s", word[w], tag[k], i % 9 == 8 ? "\n" : ""));
        last = i % 9 == 8 ? 0 : w;
    }
}

static void ck_same_file(const char *a, const char *b, int same) {
    char *x = NULL, *y = NULL;
    size_t n, m;
    ck_ok(file_read(a, &x, &n));
    ck_ok(file_read(b, &y, &m));
    ck_assert_int_eq(n == m && memcmp(x, y, n) == 0, same);
    free(x);
    free(y);
}

START_TEST(what_is_trained_is_learned_and_repeats) {
    strbuf text = {0};
    tagger_trained made, again;
    tagger_plan other = often;
    json_t *file = NULL;
    other.seed = 2;
    language(&text);
    train(text.text, &often, "a.json", &made);
    train(text.text, &often, "b.json", &again);
    ck_same_file("a.json", "b.json", 1);
    train(text.text, &other, "c.json", &again);
    ck_same_file("a.json", "c.json", 0);
    ck_assert_int_eq(made.score.words, 400);
    ck_assert_int_ge(made.score.universal, 390);
    ck_assert_int_ge(made.score.bits, made.score.universal);
    ck_assert_int_ge(made.score.penn, made.score.universal);
    ck_ok(json_read("a.json", &file));
    json_t *made_from = json_object_get(file, "provenance"),
           *on = json_object_get(made_from, "trained_on"),
           *dev = json_object_get(made_from, "examined_on");
    ck_assert_str_eq(json_string_value(json_object_get(made_from, "made_by")), "a test");
    ck_assert_int_eq(json_integer_value(json_object_get(made_from, "epochs")), 8);
    ck_assert_str_eq(json_string_value(json_object_get(on, "file")), "train.tsv");
    ck_assert_int_eq((int)strlen(json_string_value(json_object_get(on, "sha256"))), 64);
    ck_assert_int_eq(json_integer_value(json_object_get(on, "words")), 400);
    ck_assert_int_eq(json_integer_value(json_object_get(on, "sentences")), 45);
    ck_assert_int_eq(json_integer_value(json_object_get(dev, "universal_right")),
                     made.score.universal);
    json_decref(file);
    strbuf_free(&text);
}
END_TEST

/* lines as a tagger of our own prints them: Penn's tag and the universal one of its text */
START_TEST(lines_of_words) {
    tagger_trained made;
    tagger *t = NULL;
    tag_lines *l = NULL;
    strbuf out = {0}, text = {0};
    for (int i = 0; i < 20; i++)
        ck_ok(strbuf_printf(&text, "Ann\tPROPN\tNNP\nis\tAUX\tVBZ\n"));
    train(text.text, &once, "t.json", &made);
    ck_ok(tagger_open("perceptron", "t.json", &t));
    ck_ok(tag_lines_create(t, &l));
    /* no-break space, Unicode's line separator and the ASCII ones set words apart; lines end at \n
     */
    char line[] = "Ann\u00a0is\u2028Ann\x1cis\r\n\n \t\nis";
    ck_ok(tag_lines_run(l, "f", 1, line, strlen(line), &out));
    ck_assert_str_eq(out.text, "Ann\tNNP\tPROPN\nis\tVBZ\tAUX\nAnn\tNNP\tPROPN\nis\tVBZ\tAUX\n"
                               "\n\n\nis\tVBZ\tAUX\n\n");
    const char *words[] = {"Ann", "is"};
    uint16_t tags[2];
    ck_ok(tagger_tag(t, words, 2, tags, NULL)); /* for an attack they are a noun and a verb */
    ck_assert(tags[0] == TAG_NOUN && tags[1] == TAG_VERB);
    char bad[] = "Ann\nis\n\xff\n", nul[] = "Ann\n\0is\n";
    ck_refused(tag_lines_run(l, "f", 7, bad, 9, &out), ERR_DATA, "f:9: invalid UTF-8");
    ck_refused(tag_lines_run(l, "f", 7, nul, 8, &out), ERR_DATA, "f:8: a NUL byte");
    tag_lines_destroy(&l);
    tagger_close(&t);
    put_text("tags.tsv", "run\tNOUN\nrun\tVERB\n,\t.\n");
    ck_ok(tagger_open("lexicon", "tags.tsv", &t));
    ck_ok(tag_lines_create(t, &l));
    strbuf_clear(&out);
    char forms[] = "Run , x\n";
    ck_ok(tag_lines_run(l, "f", 1, forms, strlen(forms), &out));
    ck_assert_str_eq(out.text, "Run\t-\tNOUN|VERB\n,\t-\t.\nx\t-\tX\n\n");
    tag_lines_destroy(&l);
    tagger_close(&t);
    strbuf_free(&out);
    strbuf_free(&text);
}
END_TEST

/* texts and kinds of features read back to the keys that are computed */
START_TEST(features_have_one_key) {
    const char *words[] = {"Jos\u00e9", "sold", "3.5", "well-worn", "1984"};
    char normal[5][FEATURE_NORMAL_BYTES];
    feature_texts t = {.tag_1 = "DT", .tag_2 = "NNP/PROPN"};
    feature_word w[5];
    feature_context c;
    uint64_t key[FEATURE_COUNT], read;
    strbuf text = {0};
    for (int i = 0; i < 5; i++) {
        t.written[i] = words[i];
        t.normal[i] = feature_normal(words[i], normal[i]);
        feature_word_of(t.written[i], t.normal[i], 1, &w[i]);
        c.at[i] = &w[i];
    }
    ck_assert_str_eq(t.normal[0], "jos\u00e9");
    ck_assert_str_eq(t.normal[2], "!DIGITS");
    ck_assert_str_eq(t.normal[3], "!HYPHEN");
    ck_assert_str_eq(t.normal[4], "!YEAR");
    feature_keys(&c, feature_hash("DT", 2), feature_hash("NNP/PROPN", 9), 1, key);
    for (int k = 0; k < FEATURE_COUNT; k++) {
        strbuf_clear(&text);
        ck_ok(feature_write((feature_kind)k, &t, &text));
        ck_assert_int_eq(feature_read(text.text, &read), k);
        ck_assert_msg(read == key[k], "%s", text.text);
        for (int j = 0; j < k; j++)
            ck_assert(key[j] != key[k]);
    }
    static const char *const foreign[] = {"biased",   "i tag", "i-1 tag+i word DT",
                                          "i suffix", "",      "i"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        ck_assert_msg(feature_read(foreign[i], &read) == -1, "%s", foreign[i]);
    strbuf_free(&text);
}
END_TEST

START_TEST(tagged_text_that_is_refused) {
    static const struct {
        const char *text, *message;
    } bad[] = {{"a\tDET\tDT\nb\tNOUN\n",
                "t.tsv:2: expected 3 columns, got 2: word, universal tag and Penn"},
               {"a\tDET\tDT\tx\n", "t.tsv:1: expected 3 columns, got 4"},
               {"a\tDET\tDT\n\na b\tDET\tDT\n", "t.tsv:3: \"a b\" has a space; a line is one word"},
               {"a\tDT\tDET\n", "t.tsv:1: \"DT\" is not a universal tag"},
               {"\tDET\tDT\n", "t.tsv:1: column 1 is empty"},
               {"a\tDET\t\n", "t.tsv:1: column 3 is empty"},
               {"\n\n", "t.tsv:1: there is no word in this file"},
               {"", "t.tsv:1: the file is empty"},
               {"a\tDET\tDT\n\xff\tDET\tDT\n", "t.tsv:2: invalid UTF-8"}};
    tagged_text t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("t.tsv", bad[i].text);
        ck_refused(tagged_text_read("t.tsv", &t), ERR_DATA, bad[i].message);
        ck_assert_ptr_null(t.in.bytes);
    }
    put_text("t.tsv", "\n\na\tDET\tDT\r\n\n\nb\tNOUN\tNN");
    ck_ok(tagged_text_read("t.tsv", &t));
    ck_assert(t.words == 2 && t.sentences == 2 && t.first[1] == 1 && t.first[2] == 2);
    ck_assert_str_eq(t.penn[0], "DT");
    tagged_text_free(&t);
}
END_TEST

START_TEST(weights_that_are_refused) {
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{\"classes\": [\"NN\"], \"tagdict\": {}, \"weights\": {\"i+3 word a\": {\"NN\": 1}}}",
         "t.json: weights: \"i+3 word a\" is no feature that is computed here"},
        {"{\"classes\": [\"NN\"], \"tags\": {\"NN\": [\"NN\"]}, \"tagdict\": {}, \"weights\": {}}",
         "t.json: tags: \"NN\": expected a list of two"},
        {"{\"classes\": [\"NN\"], \"tags\": {\"NN\": [\"NN\", \"N\"]}, \"tagdict\": {}, "
         "\"weights\": "
         "{}}",
         "t.json: tags: \"N\" is not a universal tag"}};
    tagger *t = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("t.json", bad[i].text);
        ck_refused(tagger_open("perceptron", "t.json", &t), ERR_DATA, bad[i].message);
        ck_assert_ptr_null(t);
    }
}
END_TEST

START_TEST(sources_are_recognised) {
    const char *source;
    put_text("t.json", " \n{}");
    put_text("t.tsv", "run\tNOUN\n");
    put_text("empty", "");
    ck_ok(tagger_recognise("t.json", &source));
    ck_assert_str_eq(source, "perceptron");
    ck_ok(tagger_recognise("t.tsv", &source));
    ck_assert_str_eq(source, "lexicon");
    ck_ok(tagger_recognise("empty", &source));
    ck_assert_str_eq(source, "lexicon");
    ck_ok(tagger_recognise(".", &source));
    ck_assert_str_eq(source, "wordnet");
    ck_ok(tagger_recognise("", &source));
    ck_assert_str_eq(source, "wordnet");
    ck_refused(tagger_recognise("nowhere", &source), ERR_IO, "cannot read nowhere");
}
END_TEST

int main(void) {
    Suite *s = suite_create("training a tagger");
    TCase *c = tcase_create("training");
    tcase_add_test(c, weights_by_hand);
    tcase_add_test(c, known_words);
    tcase_add_test(c, what_is_trained_is_learned_and_repeats);
    tcase_add_test(c, lines_of_words);
    tcase_add_test(c, features_have_one_key);
    tcase_add_test(c, tagged_text_that_is_refused);
    tcase_add_test(c, weights_that_are_refused);
    tcase_add_test(c, sources_are_recognised);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
