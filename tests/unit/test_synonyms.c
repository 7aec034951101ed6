/* lists of neighbours from several sources, and the index file they are written to */
#include "attack/synonyms.h"

#include "attack/neighbour_index.h"
#include "attack/neighbours.h"
#include "base/strbuf.h"
#include "io/hash.h"
#include "io/lines.h"
#include "scratch.h"

#include <math.h>

static void ck_near(neighbours *n, const char *word, const char *expected) {
    const char **list;
    int count;
    strbuf got = {0};
    ck_ok(neighbours_of(n, word, 50, &list, &count));
    for (int i = 0; i < count; i++)
        ck_ok(strbuf_printf(&got, "%s%s", i ? " " : "", list[i]));
    ck_assert_msg(strcmp(got.text ? got.text : "", expected) == 0,
                  "%s: expected \"%s\", got \"%s\"", word, expected, got.text ? got.text : "");
    strbuf_free(&got);
}

static void ck_counts(const synonyms *s, int64_t words, int64_t with, int64_t pairs, int64_t own,
                      int64_t repeated, int64_t excluded) {
    synonyms_counts n;
    synonyms_count(s, &n);
    ck_assert_int_eq(n.words, words);
    ck_assert_int_eq(n.with, with);
    ck_assert_int_eq(n.pairs, pairs);
    ck_assert_int_eq(n.own, own);
    ck_assert_int_eq(n.repeated, repeated);
    ck_assert_int_eq(n.excluded, excluded);
}

/* good: great .9, fine .6, bad .5 (excluded); then of the JSON file nice (great again, and itself);
 * then of the pairs swell; what a list names need not have a list itself */
static void put_together(synonyms **s) {
    word_vectors v = {0};
    put_text("v.txt", "good 1 0\ngreat 0.9 0.43589\nfine 0.6 0.8\nbad 0.5 -0.866025\n");
    put_text("n.json",
             "{\"Good\": [\"great\", \"nice\", \"good\"], \"lone\": [], \"fine\": [\"good\"]}");
    put_text("p.txt", "good swell\nswell  good\nself Self\n");
    put_text("a.txt", "bad good\nhot cold\n");
    nearest_one near[4 * 3];
    int32_t count[4];
    ck_ok(word_vectors_read("v.txt", &v));
    for (int i = 0; i < 4; i++)
        count[i] = nearest_slowly(v.v, v.n, v.d, i, 3, 0.4, near + 3 * i);
    ck_ok(synonyms_create(s));
    ck_ok(synonyms_exclude(*s, "a.txt"));
    ck_ok(synonyms_add_vectors(*s, &v, near, count, 3));
    ck_ok(synonyms_add_json(*s, "n.json"));
    ck_ok(synonyms_add_pairs(*s, "p.txt"));
    word_vectors_free(&v);
}

START_TEST(sources_one_after_the_other) {
    synonyms *s = NULL;
    neighbours *n = NULL;
    int d;
    put_together(&s);
    /* words: four of the vectors, nice, lone, swell, self. cosines: good-great .9, good-fine .6,
     * great-fine .89, good-bad .5; great-bad .07 and fine-bad below 0 */
    ck_counts(s, 8, 4, 9, 2, 4, 2);
    ck_ok(synonyms_write(s, "{\"made_by\": \"a test\"}", "n.bin"));
    ck_ok(neighbours_open("n.bin", -1.0, &n));
    ck_near(n, "good", "great fine nice swell");
    ck_near(n, "great", "good fine");
    ck_near(n, "fine", "great good");
    ck_near(n, "bad", "");
    ck_near(n, "swell", "good");
    ck_near(n, "self", "");
    ck_near(n, "lone", "");
    ck_near(n, "nowhere", "");
    ck_assert_ptr_null(neighbours_vector(n, "good", &d));
    neighbours_close(&n);
    ck_ok(neighbours_open("n.bin", 0.7, &n)); /* what has no cosine stays */
    ck_near(n, "good", "great nice swell");
    neighbours_close(&n);
    synonyms_destroy(&s);
}
END_TEST

START_TEST(index_is_what_its_header_says) {
    synonyms *s = NULL;
    neighbour_index x;
    put_together(&s);
    ck_ok(synonyms_write(s, "{\"made_by\": \"a test\"}", "n.bin"));
    ck_assert_int_eq(neighbour_index_is("n.bin"), 1);
    ck_assert_int_eq(neighbour_index_is("n.json"), 0);
    ck_assert_int_eq(neighbour_index_is("nowhere"), 0);
    ck_ok(neighbour_index_open("n.bin", &x));
    ck_assert_uint_eq(x.words, 8);
    ck_assert_uint_eq(x.pairs, 9);
    ck_assert_str_eq(neighbour_index_word(&x, 1), "great");
    ck_assert_str_eq(x.provenance, "{\"made_by\": \"a test\"}");
    ck_assert_uint_eq(x.pair[0].word, 1);
    ck_assert_float_eq_tol(x.pair[0].cosine, 0.9f, 1e-5f);
    ck_assert(x.pair[2].cosine != x.pair[2].cosine); /* "nice": NaN */
    neighbour_index_close(&x);
    synonyms_destroy(&s);
}
END_TEST

/* the same file with some bytes changed; checked: with the SHA-256 of what it holds then */
static void change(const char *from, const char *to, size_t at, uint32_t value, int checked) {
    char *bytes = NULL, hex[65];
    size_t n;
    ck_ok(file_read(from, &bytes, &n));
    memcpy(bytes + at, &value, sizeof value);
    hash_bytes(bytes + 128, n - 128, hex);
    if (checked)
        memcpy(bytes + 48, hex, 64);
    put_file(to, bytes, n);
    free(bytes);
}

START_TEST(index_that_is_refused) {
    synonyms *s = NULL;
    neighbours *n = NULL;
    char *bytes = NULL;
    size_t size;
    put_together(&s);
    ck_ok(synonyms_write(s, "{}", "n.bin"));
    synonyms_destroy(&s);
    ck_ok(file_read("n.bin", &bytes, &size));
    for (size_t k = 8; k < size; k += 13) { /* cut off anywhere */
        put_file("cut.bin", bytes, k);
        ck_refused(neighbours_open("cut.bin", 0, &n), ERR_DATA, "cut.bin: ");
        ck_assert_ptr_null(n);
    }
    put_file("cut.bin", bytes, size - 1);
    ck_refused(neighbours_open("cut.bin", 0, &n), ERR_DATA,
               "cut off: 323 bytes of 324; make it again with `espalier prepare synonyms'");
    ck_assert_uint_eq(size, 324);
    bytes = realloc(bytes, size + 1);
    bytes[size] = 'x';
    put_file("long.bin", bytes, size + 1);
    ck_refused(neighbours_open("long.bin", 0, &n), ERR_DATA, "long.bin: 325 bytes, expected 324");
    free(bytes);
    static const struct {
        size_t at;
        uint32_t value;
        int checked;
        const char *message;
    } bad[] = {{8, 2, 0, "bad.bin: version 2 of an index, expected 1; make it again"},
               {12, 0x04030201, 0, "its numbers are not little-endian"},
               {20, 0x7fffffff, 0, "its header is damaged"},
               {48, 0, 0, "damaged: its SHA-256 is not the one in its header"},
               {200, 77, 0, "damaged: its SHA-256"},
               {128, 1, 1, "a number is out of its range"},  /* the first word */
               {132, 0, 1, "a number is out of its range"},  /* an empty one */
               {168, 9, 1, "a number is out of its range"},  /* the first pair */
               {208, 8, 1, "a number is out of its range"}}; /* a neighbour beyond the words */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        change("n.bin", "bad.bin", bad[i].at, bad[i].value, bad[i].checked);
        ck_refused(neighbours_open("bad.bin", 0, &n), ERR_DATA, bad[i].message);
        ck_assert_ptr_null(n);
    }
    ck_refused(neighbours_open_vectors("n.bin", 0, 9, &n), ERR_DATA,
               "n.bin: an index of neighbours, not vectors: name it in attack.neighbours");
    ck_refused(neighbours_open_index("n.json", 0, &n), ERR_DATA, "not an index of neighbours");
}
END_TEST

START_TEST(sources_that_are_refused) {
    synonyms *s = NULL;
    ck_ok(synonyms_create(&s));
    static const struct {
        const char *text, *message;
    } pairs[] = {{"a b\na b c\n", "p.txt:2: expected two words, got 3"},
                 {"a\n", "p.txt:1: expected two words, got 1"},
                 {"a b\n\n", "p.txt:2: expected two words, got 0"}},
      lists[] = {{"[1]", "n.json:1: expected an object"},
                 {"{\"a\": \"b\"}", "n.json: \"a\": expected a list of words"},
                 {"{\"a\": [1]}", "n.json: \"a\": neighbour 0 is not a word"},
                 {"{\"a\": [\"b\", \"\"]}", "n.json: \"a\": neighbour 1 is not a word"},
                 {"{\"\": [\"b\"]}", "n.json: \"\" is not a word"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        put_text("p.txt", pairs[i].text);
        ck_refused(synonyms_add_pairs(s, "p.txt"), ERR_DATA, pairs[i].message);
        ck_refused(synonyms_exclude(s, "p.txt"), ERR_DATA, pairs[i].message);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        put_text("n.json", lists[i].text);
        ck_refused(synonyms_add_json(s, "n.json"), ERR_DATA, lists[i].message);
    }
    synonyms_destroy(&s);
}
END_TEST

/* numbers of text as strtod reads them: exact digits, more than float64 holds, exponents, signs */
START_TEST(numbers_of_vectors) {
    static const char *const text[] = {
        "1",    "-0.053", ".5",          "5.",       "0.1234567890123456789", "1e-3",  "+2",
        "-1E2", "0x10",   "000123.4500", "0.000001", "12345678901234567890",  "-.25e1"};
    word_vectors v = {0};
    strbuf line = {0};
    double norm = 0.0;
    enum { N = sizeof text / sizeof *text };
    ck_ok(strbuf_printf(&line, "word"));
    for (int i = 0; i < N; i++) {
        ck_ok(strbuf_printf(&line, i % 2 ? " %s" : "\t %s", text[i]));
        norm += strtod(text[i], NULL) * strtod(text[i], NULL);
    }
    put_text("v.txt", line.text);
    ck_ok(word_vectors_read("v.txt", &v));
    ck_assert(v.n == 1 && v.d == N);
    for (int i = 0; i < N; i++)
        ck_assert_msg(v.v[i] == (float)strtod(text[i], NULL) * (float)(1.0 / sqrt(norm)), "%s",
                      text[i]);
    word_vectors_free(&v);
    strbuf_free(&line);
    put_text("v.txt", "3 300\n");
    ck_refused(word_vectors_read("v.txt", &v), ERR_DATA,
               "v.txt:1: there is a header, but no vector");
    put_text("v.txt", "a 1 2\nb 1 2 \xc3\n");
    ck_refused(word_vectors_read("v.txt", &v), ERR_DATA, "v.txt:2: invalid UTF-8");
}
END_TEST

int main(void) {
    Suite *s = suite_create("synonyms");
    TCase *c = tcase_create("synonyms");
    tcase_add_test(c, sources_one_after_the_other);
    tcase_add_test(c, index_is_what_its_header_says);
    tcase_add_test(c, index_that_is_refused);
    tcase_add_test(c, sources_that_are_refused);
    tcase_add_test(c, numbers_of_vectors);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
