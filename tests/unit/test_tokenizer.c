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

START_TEST(folders) {
    char path[4096], hex[65], other[65];
    ck_ok(dir_make("model"));
    ck_refused(tokenizer_find("model", path), ERR_USAGE, "model: no vocab.txt");
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
    tcase_add_test(c, folders);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
