/* The front of both tokenizers: sequences, what is found in a model's folder, what is refused. */
#include "io/atomic_file.h"
#include "text/tokenizer.h"
#include "unit/scratch.h"

#define WORDS "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n"

static tokenizer *open_words(void) {
    tokenizer *t;
    put_text("vocab.txt", WORDS);
    ck_ok(tokenizer_open("vocab.txt", &t));
    return t;
}

START_TEST(sequences) {
    tokenizer *t = open_words();
    int32_t ids[8];
    int n, cut;
    ck_assert_int_eq(t->V, 6);
    ck_assert_int_eq(t->mask, -1);
    ck_ok(tokenizer_sequence(t, "a b", 3, ids, 4, &n, &cut));
    ck_assert(n == 4 && cut == 0 && ids[0] == t->cls && ids[3] == t->sep);
    ids[4] = 99;
    ck_ok(tokenizer_sequence(t, "a b a", 5, ids, 4, &n, &cut));
    ck_assert(n == 4 && cut == 1 && ids[3] == t->sep && ids[4] == 99);
    ck_assert_str_eq(tokenizer_piece(t, ids[2]), "b");
    ck_ok(tokenizer_sequence(t, "", 0, ids, 4, &n, &cut));
    ck_assert(n == 2 && cut == 0);
    tokenizer_close(&t);
}
END_TEST

#define PIECES                                                                                     \
    "{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3, \"a\": 4, \"b\": 5, \"ab\": 6}"

START_TEST(byte_pairs) {
    tokenizer *t;
    int32_t ids[8];
    int n, cut;
    ck_ok(dir_make("roberta"));
    put_text("roberta/vocab.json", PIECES);
    put_text("roberta/merges.txt", "#version: 0.2\na b\n");
    ck_ok(tokenizer_open("roberta/vocab.json", &t));
    ck_ok(tokenizer_sequence(t, "abab", 4, ids, 8, &n, &cut));
    ck_assert(n == 4 && cut == 0 && ids[0] == 0 && ids[1] == 6 && ids[2] == 6 && ids[3] == 2);
    ck_assert_str_eq(tokenizer_piece(t, 6), "ab");
    ck_assert(t->V == 7 && t->pad == 1 && t->unk == 3 && t->mask == -1);
    tokenizer_close(&t);
    put_text("roberta/merges.txt", "#version: 0.2\na c\n");
    ck_refused(tokenizer_open("roberta/vocab.json", &t), ERR_DATA, "roberta/merges.txt:2: \"c\"");
}
END_TEST

/* what tokenizer_config.json asks for and is not done */
START_TEST(other_ways) {
    tokenizer *t = NULL;
    put_text("vocab.txt", WORDS);
    put_text("tokenizer_config.json", "{\"do_lower_case\": false}");
    ck_refused(tokenizer_open("vocab.txt", &t), ERR_DATA,
               "tokenizer_config.json: field \"do_lower_case\" is false");
    put_text("tokenizer_config.json", "{\"do_lower_case\": true, \"add_prefix_space\": true}");
    ck_ok(tokenizer_open("vocab.txt", &t));
    tokenizer_close(&t);
    put_text("vocab.json", PIECES);
    put_text("merges.txt", "a b\n");
    ck_refused(tokenizer_open("vocab.json", &t), ERR_DATA, "field \"add_prefix_space\" is true");
    put_text("tokenizer_config.json", "{\"do_lower_case\": false}");
    ck_ok(tokenizer_open("vocab.json", &t));
    tokenizer_close(&t);
    ck_ok(tokenizer_open("./vocab.json", &t));
    tokenizer_close(&t);
}
END_TEST

START_TEST(folders) {
    char path[4096], hex[65], other[65];
    ck_ok(dir_make("model"));
    ck_refused(tokenizer_find("model", path), ERR_IO, "model: neither vocab.txt nor vocab.json");
    put_text("model/tokenizer.json", "{}");
    ck_refused(tokenizer_find("model", path), ERR_IO, "tokenizer.json alone is not read");
    put_text("model/vocab.json", PIECES);
    put_text("model/merges.txt", "a b\n");
    ck_ok(tokenizer_find("model", path));
    ck_assert_str_eq(path, "model/vocab.json");
    ck_ok(tokenizer_hash(path, hex));
    put_text("model/merges.txt", "#version: 0.2\na b\n");
    ck_ok(tokenizer_hash(path, other)); /* the merges count, too */
    ck_assert_str_ne(hex, other);
    put_text("model/vocab.txt", WORDS);
    ck_ok(tokenizer_find("model", path));
    ck_assert_str_eq(path, "model/vocab.txt");
    ck_ok(tokenizer_hash(path, hex));
    put_text("model/vocab.txt", WORDS "c\n");
    ck_ok(tokenizer_hash(path, other));
    ck_assert_str_ne(hex, other);
}
END_TEST

int main(void) {
    Suite *s = suite_create("tokenizer");
    TCase *c = tcase_create("tokenizer");
    tcase_add_test(c, sequences);
    tcase_add_test(c, byte_pairs);
    tcase_add_test(c, other_ways);
    tcase_add_test(c, folders);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
