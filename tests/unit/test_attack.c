/* the parts of the attack: words and gaps, case, neighbours, stop words, similarity */
#include "attack/neighbours.h"
#include "attack/similarity.h"
#include "attack/stopwords.h"
#include "base/key_table.h"
#include "text/words.h"
#include "toy_attack.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

static char folder[64];
static arena *memory;

static void set_up(void) {
    snprintf(folder, sizeof folder, "/tmp/espalier-attack-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_ok(arena_create(1 << 12, &memory));
}

static void tear_down(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    arena_destroy(&memory);
}

static const char *put(const char *name, const char *text) {
    static char path[4096];
    ck_ok(path_join(path, folder, name));
    ck_ok(atomic_write(path, text, strlen(text)));
    return path;
}

/* words of text, set apart by bars */
static void ck_words(const char *text, const char *expected) {
    wording w;
    strbuf got = {0}, whole = {0};
    ck_ok(words_split(memory, text, &w));
    for (int i = 0; i < w.n; i++)
        ck_ok(strbuf_printf(&got, "%s%s", i ? "|" : "", w.word[i]));
    ck_assert_str_eq(got.text ? got.text : "", expected);
    ck_ok(words_join(&w, -1, &whole));
    ck_assert_str_eq(whole.text ? whole.text : "", text);
    strbuf_free(&got);
    strbuf_free(&whole);
}

START_TEST(words_are_runs_without_marks_at_their_ends) {
    ck_words("it 's a charming and often affecting journey . ",
             "it|s|a|charming|and|often|affecting|journey");
    ck_words("", "");
    ck_words(" .,;! '' -- ", "");
    ck_words("do n't -- slash-and-hack's _x_ *a*b* me@home.org", "do|n't|slash-and-hack's|x|a*b|"
                                                                 "me@home|org");
    ck_words("na\u00efve caf\u00e9, \u65e5\u672c\u00b2 3\u00bd",
             "na\u00efve|caf\u00e9|\u65e5\u672c\u00b2|3\u00bd");
    ck_words("a\u2019b\u00a0c\td\ne", "a|b|c|d|e");
    ck_words("'tis (r.i.p)", "tis|r|i|p");
}
END_TEST

static void ck_deletion(const char *text, int i, const char *expected) {
    wording w;
    strbuf got = {0};
    ck_ok(words_split(memory, text, &w));
    ck_ok(words_join(&w, i, &got));
    ck_assert_str_eq(got.text ? got.text : "", expected);
    strbuf_free(&got);
}

START_TEST(deletion_takes_a_space_along) {
    ck_deletion("one two three .", 0, "two three .");
    ck_deletion("one two three .", 1, "one three .");
    ck_deletion("one two three .", 2, "one two .");
    ck_deletion("it 's", 1, "it '");        /* no space just before */
    ck_deletion("one, two", 0, ", two");    /* none just after */
    ck_deletion("  one  two", 1, "  one "); /* one of two */
    ck_deletion("\"one\" two", 0, "\"\" two");
    ck_deletion("one", 0, "");
}
END_TEST

static void ck_case(const char *original, const char *candidate, const char *expected) {
    const char *got;
    ck_ok(words_case(memory, original, candidate, &got));
    ck_assert_msg(strcmp(got, expected) == 0, "%s like %s: expected %s, got %s", candidate,
                  original, expected, got);
}

START_TEST(case_of_the_original) {
    ck_case("good", "Great", "great");
    ck_case("GOOD", "great", "GREAT");
    ck_case("Good", "grEat", "Great");
    ck_case("McDonald", "grEat", "grEat");
    ck_case("gooD", "Great", "Great");
    ck_case("I", "we", "we"); /* one letter is no shouting, and nothing is left to be small */
    ck_case("A1", "great", "GREAT");
    ck_case("r2d2", "Great", "great");
    ck_case("123", "Great", "Great");
    ck_case("\u00c9tude", "\u00e9cole", "\u00c9cole");
    ck_case("\u00c9TUDE", "\u00e9cole", "\u00c9COLE");
    ck_case("well-Worn", "old", "old");
    ck_case("Well-worn", "old", "Old");
}
END_TEST

START_TEST(windows_are_text_between_two_words) {
    wording w;
    strbuf got = {0};
    ck_ok(words_split(memory, " \"one, two\" three -four. ", &w));
    ck_ok(words_window(&w, 1, 3, &got));
    ck_assert_str_eq(got.text, "two\" three -four");
    strbuf_free(&got);
}
END_TEST

static void ck_near(neighbours *n, const char *word, int max, const char *expected) {
    const char **list;
    int count;
    strbuf got = {0};
    ck_ok(neighbours_of(n, word, max, &list, &count));
    for (int i = 0; i < count; i++)
        ck_ok(strbuf_printf(&got, "%s%s", i ? " " : "", list[i]));
    ck_assert_str_eq(got.text ? got.text : "", expected);
    strbuf_free(&got);
}

START_TEST(neighbours_of_a_file_keep_their_order) {
    neighbours *n;
    ck_ok(neighbours_open_json(put("n.json", "{\"good\": [\"great\", \"good\", \"fine\", "
                                             "\"great\"], \"of\": [], \"fine\": [\"good\"]}"),
                               &n));
    ck_near(n, "good", 50, "great fine"); /* once each, and never itself */
    ck_near(n, "good", 2, "great fine");
    ck_near(n, "of", 50, "");
    ck_near(n, "great", 50, "");
    ck_near(n, "nowhere", 50, "");
    neighbours_close(&n);
}
END_TEST

START_TEST(neighbour_files_that_are_refused) {
    static const char *const bad[] = {
        "[1]", "{\"a\": \"b\"}", "{\"a\": [1]}", "{\"a\": [\"b\"]", "{\"a\": [], \"a\": []}", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        neighbours *n = NULL;
        ck_assert_int_eq(neighbours_open_json(put("bad.json", bad[i]), &n), ERR_DATA);
        ck_assert_ptr_nonnull(strstr(err_message(), "bad.json"));
        ck_assert_ptr_null(n);
    }
}
END_TEST

/* angles from east: north-east 45, north 90, west 180 degrees; cosines .707, 0, -1 */
START_TEST(neighbours_by_cosine) {
    neighbours *n;
    const char *text = "5 2\neast 2 0\nnorth 0 3e-1\nwest -1 0\nnortheast 1 1.0\nalso 2 2\n";
    ck_ok(neighbours_open_vectors(put("v.txt", text), 0.5, 50, &n));
    ck_near(n, "east", 50, "northeast also"); /* equal cosines: in the file's order */
    ck_near(n, "north", 50, "northeast also");
    ck_near(n, "northeast", 50, "also east north");
    ck_near(n, "northeast", 2, "also east");
    ck_near(n, "west", 50, "");
    int d;
    const float *v = neighbours_vector(n, "also", &d);
    ck_assert_int_eq(d, 2);
    ck_assert_float_eq_tol(v[0], 0.70710678f, 1e-6f);
    ck_assert_ptr_null(neighbours_vector(n, "south", &d));
    neighbours_close(&n);
}
END_TEST

START_TEST(vectors_that_are_refused) {
    static const struct {
        const char *text, *where;
    } bad[] = {{"a 1 2\nb 1 nan\n", "v.txt:2"},     {"a 1 2\nb 1 inf\n", "v.txt:2"},
               {"a 1 2\nb 1\n", "v.txt:2"},         {"a 1 2\nb 1 2 3\n", "v.txt:2"},
               {"a 1 2\nb 1 x\n", "v.txt:2"},       {"a 1 2\nb 0 0\n", "v.txt:2"},
               {"a 1 2\na 2 1\n", "v.txt:2"},       {"a\n", "v.txt:1"},
               {"2 2\na 1 2\nb 1 2 3\n", "v.txt:3"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        neighbours *n = NULL;
        ck_assert_int_eq(neighbours_open_vectors(put("v.txt", bad[i].text), 0.5, 9, &n), ERR_DATA);
        ck_assert_msg(strstr(err_message(), bad[i].where) != NULL, "%zu: %s", i, err_message());
        ck_assert_ptr_null(n);
    }
}
END_TEST

START_TEST(stop_words) {
    dictionary *d;
    ck_ok(stopwords_open("", &d));
    static const char *const in[] = {"the", "it", "of", "and", "n't", "was"}, *const out[] = {
                                                                                  "movie", "good",
                                                                                  "like",  "The",
                                                                                  "great", ""};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        ck_assert_msg(dictionary_find(d, in[i], strlen(in[i])) >= 0, "%s", in[i]);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        ck_assert_msg(dictionary_find(d, out[i], strlen(out[i])) < 0, "%s", out[i]);
    dictionary_destroy(&d);
    ck_ok(stopwords_open(put("stop.txt", "movie\nfilm\n"), &d));
    ck_assert_int_ge(dictionary_find(d, "film", 4), 0);
    ck_assert_int_lt(dictionary_find(d, "the", 3), 0);
    dictionary_destroy(&d);
}
END_TEST

/* mean of (1, 0) and (0, 1) against (1, 0): 45 degrees, 1 - 1/4 */
START_TEST(similarity_of_vectors_is_an_angle) {
    neighbours *n;
    similarity *s;
    const char *others[] = {"East east", "east, north", "west", "nowhere", "north  .", "east here"};
    const double expected[] = {1.0, 0.75, 0.0, 0.0, 0.5, 1.0};
    double score[6];
    ck_ok(neighbours_open_vectors(put("v.txt", "east 2 0\nnorth 0 1\nwest -1 0\n"), 0.5, 5, &n));
    ck_ok(similarity_open_vectors(n, &s));
    ck_ok(similarity_score(s, "the east", others, 6, score));
    for (int i = 0; i < 6; i++)
        ck_assert_msg(fabs(score[i] - expected[i]) < 1e-7, "%s: %.9f", others[i], score[i]);
    similarity_close(&s);
    neighbours_close(&n);
}
END_TEST

/* against one forward a text and the mean and angle spelled out */
START_TEST(similarity_of_an_encoder) {
    tokenizer *w;
    encoder *m;
    encoder_ws *ws;
    similarity *s;
    strbuf text[9] = {0};
    const char *others[8];
    double score[8], mean[9][16] = {{0}};
    char path[4096];
    ck_ok(toy_write(folder));
    ck_ok(path_join(path, folder, "vocab.txt"));
    ck_ok(tokenizer_open(path, &w));
    ck_ok(toy_victim(w->V, 4, &m));
    ck_ok(encoder_ws_create(&m->c, &ws));
    for (int i = 0; i < 9; i++) {
        int32_t ids[64], offsets[2] = {0, 0};
        int cut;
        ck_ok(toy_text(i, &text[i]));
        ck_ok(tokenizer_sequence(w, text[i].text, text[i].len, ids, m->c.P, &offsets[1], &cut));
        batch b = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
        ck_ok(encoder_forward(ws, m, &b, NULL, 0));
        const float *h = encoder_hidden(ws, m->c.L);
        for (int t = 1; t < b.T - 1; t++)
            for (int c = 0; c < 16; c++)
                mean[i][c] += (double)h[t * 16 + c] / (b.T - 2);
        if (i > 0)
            others[i - 1] = text[i].text;
    }
    ck_ok(similarity_open_encoder(m, w, 64, &s));
    ck_ok(similarity_score(s, text[0].text, others, 8, score));
    for (int i = 0; i < 8; i++) {
        double xy = 0, xx = 0, yy = 0;
        for (int c = 0; c < 16; c++) {
            xy += mean[0][c] * mean[i + 1][c];
            xx += mean[0][c] * mean[0][c];
            yy += mean[i + 1][c] * mean[i + 1][c];
        }
        double expected = 1.0 - acos(xy / sqrt(xx) / sqrt(yy)) / acos(-1.0);
        /* float32 hidden states from batches of another shape */
        ck_assert_msg(fabs(score[i] - expected) < 1e-5, "%d: %.9f %.9f", i, score[i], expected);
    }
    for (int i = 0; i < 9; i++)
        strbuf_free(&text[i]);
    similarity_close(&s);
    encoder_ws_destroy(&ws);
    encoder_destroy(&m);
    tokenizer_close(&w);
}
END_TEST

/* against a list that is searched from its front; keys that fall into few slots, 0 among them */
START_TEST(numbers_by_keys) {
    enum { KEYS = 700 };
    uint64_t key[KEYS];
    key_table t = {0};
    ck_assert_int_eq(key_table_find(&t, 0), -1);
    for (int round = 0; round < 2; round++) {
        int n = 0;
        for (int i = 0; i < 2 * KEYS && n < KEYS; i++) {
            const uint64_t k = (uint64_t)(i % 37) | (uint64_t)(i / 5) << 32;
            int at = 0;
            while (at < n && key[at] != k)
                at++;
            ck_assert_int_eq(key_table_find(&t, k), at < n ? at : -1);
            if (at == n) {
                ck_assert_int_eq(key_table_add(&t, k, n), OK);
                key[n++] = k;
            }
        }
        ck_assert_int_gt(n, 600);
        ck_assert_int_eq((int)t.n, n);
        ck_assert_int_ge((int)t.slots, 2 * n);
        for (int i = 0; i < n; i++)
            ck_assert_int_eq(key_table_find(&t, key[i]), i);
        ck_assert_int_eq(key_table_find(&t, 1ull << 63), -1);
        key_table_clear(&t);
        ck_assert_int_eq(key_table_find(&t, key[0]), -1);
    }
    key_table_free(&t);
}
END_TEST

int main(void) {
    Suite *s = suite_create("attack");
    TCase *c = tcase_create("parts");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, words_are_runs_without_marks_at_their_ends);
    tcase_add_test(c, deletion_takes_a_space_along);
    tcase_add_test(c, case_of_the_original);
    tcase_add_test(c, windows_are_text_between_two_words);
    tcase_add_test(c, neighbours_of_a_file_keep_their_order);
    tcase_add_test(c, neighbour_files_that_are_refused);
    tcase_add_test(c, neighbours_by_cosine);
    tcase_add_test(c, vectors_that_are_refused);
    tcase_add_test(c, stop_words);
    tcase_add_test(c, similarity_of_vectors_is_an_angle);
    tcase_add_test(c, similarity_of_an_encoder);
    tcase_add_test(c, numbers_by_keys);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
