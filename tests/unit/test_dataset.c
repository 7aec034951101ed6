/* data sets: refusals where they enter, splits, samples, packed batches */
#include "io/atomic_file.h"
#include "text/dataset.h"
#include "unit/scratch.h"

/* forked tests share the scratch folder: the folders may be there already */
static void folders(void) {
    static const char *const names[] = {"sst2", "imdb", "agnews"};
    for (int i = 0; i < 3; i++)
        ck_ok(dir_make(names[i]));
}

START_TEST(three_layouts) {
    dataset d = {0};
    folders();
    put_text("sst2/train.tsv", "\xef\xbb\xbfsentence\tlabel\r\na fine film \t1\r\nno\t0");
    ck_ok(dataset_read("sst2", ".", "train", &d));
    ck_assert_int_eq(d.n, 2);
    ck_assert_str_eq(dataset_text(&d, 0), "a fine film ");
    ck_assert_int_eq(d.label[0], 1);
    ck_assert_int_eq(d.label[1], 0);
    dataset_free(&d);
    put_text("imdb/test.tsv", "label\ttext\n0\tbad <br /> film\n");
    ck_ok(dataset_read("imdb", ".", "test", &d));
    ck_assert_str_eq(dataset_text(&d, 0), "bad <br /> film");
    dataset_free(&d);
    put_text("agnews/test.csv",
             "\"4\",\"A \"\"big\"\" title\",\"two\nlines, one comma\"\n\"1\",x,\n");
    ck_ok(dataset_read("agnews", ".", "test", &d));
    ck_assert_int_eq(d.n, 2);
    ck_assert_int_eq(d.K, 4);
    ck_assert_str_eq(dataset_text(&d, 0), "A \"big\" title two\nlines, one comma");
    ck_assert_int_eq(d.label[0], 3);
    ck_assert_str_eq(dataset_text(&d, 1), "x");
    ck_assert_str_eq(d.label_name[3], "Sci/Tech");
    dataset_free(&d);
}
END_TEST

START_TEST(bad_input_is_refused_with_its_line) {
    static const struct {
        const char *content, *message;
    } bad[] = {
        {"text\tlabel\na\t1\n", "sst2/train.tsv:1: expected the header"},
        {"sentence\tlabel\na\t1\nb\t1\tx\n", "sst2/train.tsv:3: expected 2 columns, got 3"},
        {"sentence\tlabel\na\n", "sst2/train.tsv:2: expected 2 columns, got 1"},
        {"sentence\tlabel\na\t2\n", "sst2/train.tsv:2: expected a label from 0 to 1, got \"2\""},
        {"sentence\tlabel\na\tgood\n", "sst2/train.tsv:2: expected a label"},
        {"sentence\tlabel\n  \t1\n", "sst2/train.tsv:2: the text is empty"},
        {"sentence\tlabel\n\xff\t1\n", "sst2/train.tsv:2: invalid UTF-8"},
        {"sentence\tlabel\n", "sst2/train.tsv: no example"},
        {"", "sst2/train.tsv:1: the file is empty"},
    };
    dataset d = {0};
    folders();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("sst2/train.tsv", bad[i].content);
        ck_refused(dataset_read("sst2", ".", "train", &d), ERR_DATA, bad[i].message);
        ck_assert_ptr_null(d.bytes);
    }
    put_file("sst2/train.tsv", "sentence\tlabel\na\0b\t1\n", 21);
    ck_refused(dataset_read("sst2", ".", "train", &d), ERR_DATA, "train.tsv:2: a NUL byte");
    ck_refused(dataset_read("sst2", "nowhere", "train", &d), ERR_IO, "nowhere/sst2/train.tsv");
    put_text("agnews/train.csv", "\"1\",\"a\",\"b\"\n\"5\",\"a\",\"b\"\n");
    ck_refused(dataset_read("agnews", ".", "train", &d), ERR_DATA, "train.csv:2: expected a label");
    put_text("agnews/train.csv", "\"1\",\"a\n");
    ck_refused(dataset_read("agnews", ".", "train", &d), ERR_DATA, "train.csv:1: a quoted field");
}
END_TEST

/* n rows "t0", "t1", … with labels i % 2 */
static dataset numbered(int n) {
    char text[4096] = "sentence\tlabel\n";
    size_t at = strlen(text);
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "t%d\t%d\n", i, i % 2);
    dataset d = {0};
    folders();
    put_text("sst2/train.tsv", text);
    ck_ok(dataset_read("sst2", ".", "train", &d));
    return d;
}

START_TEST(a_split_is_a_partition) {
    dataset d = numbered(50), train = {0}, held = {0}, again = {0}, held2 = {0};
    ck_ok(dataset_split(&d, 5, 13, &train, &held));
    ck_assert_int_eq(train.n, 37);
    ck_assert_int_eq(held.n, 13);
    int seen[50] = {0};
    for (int i = 0; i < train.n; i++)
        seen[atoi(dataset_text(&train, i) + 1)]++;
    for (int i = 0; i < held.n; i++) {
        int row = atoi(dataset_text(&held, i) + 1);
        seen[row]++;
        ck_assert_int_eq(held.label[i], row % 2);
    }
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_ok(dataset_split(&d, 5, 13, &again, &held2));
    for (int i = 0; i < 13; i++)
        ck_assert_str_eq(dataset_text(&held, i), dataset_text(&held2, i));
    dataset none = {0}, nothing = {0};
    ck_refused(dataset_split(&d, 5, 50, &none, &nothing), ERR_USAGE, "has 50 examples");
    dataset *all[] = {&d, &train, &held, &again, &held2};
    for (int i = 0; i < 5; i++)
        dataset_free(all[i]);
}
END_TEST

START_TEST(batches_hold_their_examples) {
    dataset d = numbered(9);
    tokenizer *w = NULL;
    examples x = {0};
    packer *p = NULL;
    batch b;
    int32_t index[] = {7, 0, 7};
    put_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nt\n##0\n##1\n##2\n##7\n");
    ck_ok(tokenizer_open("vocab.txt", &w));
    ck_ok(examples_make(&d, w, 3, &x));
    ck_assert_int_eq(x.cut, 4); /* t0, t1, t2, t7 are two pieces, the others one [UNK] */
    ck_ok(packer_create(&x, 3, &p));
    ck_ok(packer_pack(p, index, 3, &b));
    ck_assert_int_eq(b.B, 3);
    ck_assert_int_eq(b.T, 9);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(b.offsets[k], 3 * k);
        ck_assert_int_eq(b.ids[3 * k], w->cls);
        ck_assert_int_eq(b.ids[3 * k + 2], w->sep);
        ck_assert_int_eq(b.example[k], index[k]);
        ck_assert_int_eq(b.labels[k], index[k] % 2);
    }
    index[1] = 9;
    ck_refused(packer_pack(p, index, 3, &b), ERR_FAILED, "example 9 of 9");
    packer_destroy(&p);
    examples_free(&x);
    tokenizer_close(&w);
    dataset_free(&d);
}
END_TEST

int main(void) {
    Suite *s = suite_create("dataset");
    TCase *t = tcase_create("all");
    tcase_add_test(t, three_layouts);
    tcase_add_test(t, bad_input_is_refused_with_its_line);
    tcase_add_test(t, a_split_is_a_partition);
    tcase_add_test(t, batches_hold_their_examples);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
