/* files that are whole, hashes, checked text, CSV, JSON; being asked to stop */
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "io/lines.h"
#include "par/preempt.h"
#include "unit/scratch.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int entries(const char *dir) {
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void holds(const char *path, const char *text) {
    char *bytes;
    size_t n;
    ck_ok(file_read(path, &bytes, &n));
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_str_eq(bytes, text);
    free(bytes);
}

START_TEST(publishes) {
    ck_ok(dir_make("publish/a/b"));
    ck_ok(dir_make("publish/a/b/"));
    ck_ok(atomic_write("publish/a/b/x", "one", 3));
    ck_ok(atomic_write("publish/a/b/x", "second", 6));
    holds("publish/a/b/x", "second");
    atomic_file a;
    ck_ok(atomic_begin("publish/a/b/x", &a));
    fprintf(a.f, "half of a");
    holds("publish/a/b/x", "second");
    atomic_discard(&a);
    holds("publish/a/b/x", "second");
    ck_ok(atomic_begin("publish/a/b/x", &a));
    fprintf(a.f, "third");
    ck_ok(atomic_commit(&a));
    atomic_discard(&a);
    holds("publish/a/b/x", "third");
    put_text("publish/a/b/y.tmp", "made elsewhere");
    ck_ok(atomic_publish("publish/a/b/y.tmp", "publish/a/b/y"));
    holds("publish/a/b/y", "made elsewhere");
    ck_assert_int_eq(entries("publish/a/b"), 2);
    ck_assert(path_exists("publish/a/b/y") && !path_exists("publish/a/b/z"));
}
END_TEST

START_TEST(refuses_places) {
    char path[4096], longest[5000];
    put_text("plain", "x");
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_refused(atomic_write("none/x", "1", 1), ERR_IO, "cannot write none/x: No such file");
    ck_refused(atomic_publish("none.tmp", "none"), ERR_IO, "cannot move none into place");
    ck_refused(dir_make("plain"), ERR_IO, "plain: a file of that name is there");
    ck_refused(dir_make("plain/sub"), ERR_IO, "plain: a file of that name is there");
    ck_refused(dir_make(""), ERR_IO, "without a name");
    ck_refused(dir_sync("none"), ERR_IO, "cannot open folder none");
    ck_refused(path_join(path, longest, "x"), ERR_IO, "path too long");
    ck_refused(atomic_write(longest, "1", 1), ERR_IO, "path too long");
    ck_ok(path_join(path, "a", "b"));
    ck_assert_str_eq(path, "a/b");
    ck_ok(path_join(path, "a/", "b"));
    ck_assert_str_eq(path, "a/b");
    ck_ok(path_join(path, "", "b"));
    ck_assert_str_eq(path, "b");
    ck_ok(dir_make("/"));
}
END_TEST

START_TEST(sweeps) {
    ck_ok(dir_make("sweep.tmp/models/.a.tmp/deep"));
    ck_ok(dir_make("sweep.tmp/models/b"));
    put_text("sweep.tmp/models/.a.tmp/deep/x", "1");
    put_text("sweep.tmp/models/.a.tmp/y", "2");
    put_text("sweep.tmp/models/b/model.77.tmp", "3");
    put_text("sweep.tmp/study.h5.tmp", "4");
    put_text("sweep.tmp/models/b/model", "5");
    put_text("sweep.tmp/atmp", "6");
    put_text("sweep.tmp/models/.tmp", "7");
    put_text("sweep.tmp/x.tmp.txt", "8");
    ck_assert_int_eq(symlink("../elsewhere", "sweep.tmp/link.tmp"), 0);
    put_text("elsewhere", "9");
    ck_ok(dir_sweep("sweep.tmp"));
    ck_assert_int_eq(entries("sweep.tmp"), 3);
    ck_assert_int_eq(entries("sweep.tmp/models"), 1);
    ck_assert_int_eq(entries("sweep.tmp/models/b"), 1);
    ck_assert(path_exists("sweep.tmp/models/.tmp") && !path_exists("sweep.tmp/models/.a.tmp"));
    holds("sweep.tmp/models/b/model", "5");
    holds("elsewhere", "9");
    ck_ok(dir_sweep("sweep.tmp/"));
    ck_refused(dir_sweep("none"), ERR_IO, "none");
}
END_TEST

/* no space left: many small writes, one large one, and one that only the last flush finds out; what
 * was there stays, nothing else is left */
START_TEST(no_space) {
    static const size_t pieces[][2] = {{1, 100000}, {100000, 1}, {4000, 2}};
    size_t size = pieces[_i][0], n = pieces[_i][1];
    char *bytes = calloc(size, 1);
    ck_assert_ptr_nonnull(bytes);
    ck_ok(dir_make("full"));
    ck_ok(atomic_write("full/x", "old", 3));
    preempt_install();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}), 0);
    atomic_file a;
    ck_ok(atomic_begin("full/x", &a));
    for (size_t i = 0; i < n; i++)
        fwrite(bytes, 1, size, a.f);
    ck_refused(atomic_commit(&a), ERR_IO, "cannot write full/x: ");
    ck_assert_ptr_nonnull(strstr(err_message(), "nothing was published"));
    holds("full/x", "old");
    ck_assert_int_eq(entries("full"), 1);
    free(bytes);
}
END_TEST

/* killed at any moment while it publishes a file again and again: always a whole one */
START_TEST(killed) {
    enum { SIZE = 30000 };
    ck_ok(dir_make("killed"));
    for (int turn = 0; turn < 10; turn++) {
        pid_t child = fork();
        if (child == 0) {
            char text[SIZE];
            for (char c = 'a';; c = c == 'z' ? 'a' : (char)(c + 1)) {
                memset(text, c, sizeof text);
                if (atomic_write("killed/x", text, sizeof text) != OK)
                    _exit(1);
            }
        }
        while (!path_exists("killed/x"))
            usleep(100);
        usleep((useconds_t)(turn * 700));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        char *bytes;
        size_t n;
        ck_ok(file_read("killed/x", &bytes, &n));
        ck_assert_uint_eq(n, SIZE);
        for (size_t i = 1; i < n; i++)
            ck_assert_int_eq(bytes[i], bytes[0]);
        free(bytes);
        unlink("killed/x");
    }
}
END_TEST

/* FIPS 180-2, appendix B */
START_TEST(hashes) {
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char million_a[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    char hex[65];
    int64_t bytes = 0;
    hash_bytes("abc", 3, hex);
    ck_assert_str_eq(hex, abc);
    ck_assert_uint_eq(hash_u64("abc", 3), 0xba7816bf8f01cfea);
    char *text = malloc(1000000);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', 1000000);
    put_file("million", text, 1000000);
    free(text);
    ck_ok(hash_file("million", hex, &bytes));
    ck_assert_str_eq(hex, million_a);
    ck_assert_int_eq(bytes, 1000000);
    put_text("nothing", "");
    ck_ok(hash_file("nothing", hex, NULL));
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ck_refused(hash_file("none", hex, NULL), ERR_IO, "cannot read none");
    ck_refused(hash_file(".", hex, NULL), ERR_IO, "cannot read .");
}
END_TEST

START_TEST(reads_lines) {
    static const char text[] = "\xef\xbb\xbf"
                               "first\r\n"
                               "\n"
                               "gr\xc3\xbc\xc3\x9f\ta\tb\n"
                               "\xe2\x82\xac \xf0\x9f\x98\x80\r\r\n"
                               "last";
    lines l;
    char *column[3];
    put_text("t.tsv", text);
    ck_ok(lines_read("t.tsv", &l));
    ck_assert_int_eq(l.n, 5);
    ck_assert_str_eq(l.line[0], "first");
    ck_assert_str_eq(l.line[1], "");
    ck_assert_str_eq(l.line[3], "\xe2\x82\xac \xf0\x9f\x98\x80\r");
    ck_assert_str_eq(l.line[4], "last");
    ck_ok(lines_columns(&l, 3, l.line[2], column, 3));
    ck_assert_str_eq(column[0], "gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(column[2], "b");
    ck_refused(lines_columns(&l, 5, l.line[4], column, 2), ERR_DATA,
               "t.tsv:5: expected 2 columns, got 1");
    lines_free(&l);
    ck_assert_ptr_null(l.bytes);
    put_text("one", "\n");
    ck_ok(lines_read("one", &l));
    ck_assert(l.n == 1 && l.line[0][0] == '\0');
    lines_free(&l);
}
END_TEST

START_TEST(too_many_columns) {
    lines l;
    char *column[2];
    put_text("t.tsv", "a\tb\n\tc\td\t\n");
    ck_ok(lines_read("t.tsv", &l));
    ck_ok(lines_columns(&l, 1, l.line[0], column, 2));
    ck_refused(lines_columns(&l, 2, l.line[1], column, 2), ERR_DATA,
               "t.tsv:2: expected 2 columns, got 4");
    lines_free(&l);
}
END_TEST

static const struct {
    const char *bytes;
    size_t n;
    const char *message;
} bad_text[] = {
    {"", 0, "bad:1: the file is empty"},
    {"\xef\xbb\xbf", 3, "bad:1: the file is empty"},
    {"a\nb\0c\n", 6, "bad:2: a NUL byte"},
    {"a\n\n\x80\n", 5, "bad:3: invalid UTF-8 (byte 0x80)"},
    {"\xc3", 1, "bad:1: invalid UTF-8 (byte 0xc3)"},
    {"\xc3\n", 2, "bad:1: invalid UTF-8"},
    {"\xc0\xaf", 2, "bad:1: invalid UTF-8"},         /* overlong slash */
    {"\xe0\x80\xaf", 3, "bad:1: invalid UTF-8"},     /* overlong in three */
    {"\xf0\x80\x80\xaf", 4, "bad:1: invalid UTF-8"}, /* overlong in four */
    {"\xed\xa0\x80", 3, "bad:1: invalid UTF-8"},     /* surrogate */
    {"\xf4\x90\x80\x80", 4, "bad:1: invalid UTF-8"}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, "bad:1: invalid UTF-8"},
    {"\xff\xfe"
     "a",
     3, "bad:1: invalid UTF-8 (byte 0xff)"},     /* UTF-16 */
    {"ok\n\xe2\x82", 5, "bad:2: invalid UTF-8"}, /* cut off */
};

START_TEST(refuses_text) {
    lines l;
    put_file("bad", bad_text[_i].bytes, bad_text[_i].n);
    ck_refused(lines_read("bad", &l), ERR_DATA, bad_text[_i].message);
    ck_assert_ptr_null(l.bytes);
}
END_TEST

START_TEST(refuses_files) {
    lines l;
    char *bytes;
    size_t n;
    ck_refused(lines_read("none", &l), ERR_IO, "cannot read none: No such file");
    ck_refused(file_read(".", &bytes, &n), ERR_IO, "is not a plain file");
    ck_refused(file_read("/dev/zero", &bytes, &n), ERR_IO, "is not a plain file");
}
END_TEST

/* records of one text, columns joined by | */
static err csv(const char *text, char *out, int *lines_seen) {
    char bytes[200];
    size_t size = strlen(text), pos = 0;
    memcpy(bytes, text, size + 1);
    *out = '\0';
    *lines_seen = 1;
    while (pos < size) {
        char *column[4];
        int n;
        CALL(csv_record("x.csv", bytes, size, &pos, lines_seen, column, 4, &n));
        for (int i = 0; i < n && i < 4; i++)
            sprintf(out + strlen(out), "%s%s", i ? "|" : "", column[i]);
        sprintf(out + strlen(out), "%s", n > 4 ? "+;" : ";");
    }
    return OK;
}

static const struct {
    const char *text, *records;
    int lines;
} csv_good[] = {
    {"a,b\nc,d\n", "a|b;c|d;", 3},
    {"a,b\r\nc,d", "a|b;c|d;", 2},
    {"\"1\",\"two, three\",\"say \"\"hi\"\"\"\n", "1|two, three|say \"hi\";", 2},
    {"\"two\nlines\",x\r\ny,z\r\n", "two\nlines|x;y|z;", 4},
    {"\"\",\"\"\r\n,\n", "|;|;", 3},
    {"\"\"\"\"", "\";", 1},
    {"a,\n", "a|;", 2},
    {"a,", "a|;", 1},
    {"\n", ";", 2},
    {"1,2,3,4,5\n", "1|2|3|4+;", 2},
    {"a \"quoted\" word,b\n", "a \"quoted\" word|b;", 2},
};

START_TEST(csv_records) {
    char out[300];
    int n;
    ck_ok(csv(csv_good[_i].text, out, &n));
    ck_assert_str_eq(out, csv_good[_i].records);
    ck_assert_int_eq(n, csv_good[_i].lines);
}
END_TEST

START_TEST(csv_refuses) {
    char out[300];
    int n;
    ck_refused(csv("a\nb,\"c\nd", out, &n), ERR_DATA, "x.csv:2: a quoted field does not end");
    ck_refused(csv("a,\"b\nc\"d\n", out, &n), ERR_DATA, "x.csv:2: expected a comma");
    ck_refused(csv("\"b\"\rc\n", out, &n), ERR_DATA, "x.csv:1: expected a comma");
}
END_TEST

START_TEST(json_values) {
    json_t *j = NULL, *back = NULL;
    int64_t i;
    double x;
    const char *s;
    ck_ok(json_parse("{\"n\": 9007199254740993, \"x\": 0.1, \"s\": \"t\", \"w\": 3}", "here", &j));
    ck_ok(json_get_int(j, "here", "n", 0, INT64_MAX, &i));
    ck_assert_int_eq(i, 9007199254740993);
    ck_ok(json_get_real(j, "here", "w", &x));
    ck_assert(x == 3.0);
    ck_ok(json_get_text(j, "here", "s", &s));
    ck_assert_str_eq(s, "t");
    ck_refused(json_get_int(j, "here", "m", 0, 1, &i), ERR_DATA, "here: field \"m\" is missing");
    ck_refused(json_get_int(j, "here", "x", 0, 1, &i), ERR_DATA, "not a whole number");
    ck_refused(json_get_int(j, "here", "w", 4, 9, &i), ERR_DATA, "is 3, expected 4 to 9");
    ck_refused(json_get_real(j, "here", "s", &x), ERR_DATA, "not a number");
    ck_refused(json_get_text(j, "here", "n", &s), ERR_DATA, "not a text");
    ck_refused(json_get_text(NULL, "here", "n", &s), ERR_DATA, "is missing");
    ck_ok(json_write("x.json", j));
    ck_ok(json_read("x.json", &back));
    ck_assert(json_equal(j, back));
    json_decref(j);
    json_decref(back);
    j = json_pack("{s:f, s:f}", "b", 1.0 / 3, "a", 0x1p-1074);
    ck_ok(json_write("x.json", j));
    ck_ok(json_read("x.json", &back));
    ck_assert(json_number_value(json_object_get(back, "b")) == 1.0 / 3);
    ck_assert(json_number_value(json_object_get(back, "a")) == 0x1p-1074);
    json_decref(j);
    json_decref(back);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_json[] = {
    {"", "bad.json:1:0: "},
    {"{\"a\": 1,\n \"a\": 2}", "bad.json:2:4: duplicate object key"},
    {"{\"a\": 1,}", "bad.json:1:9: "},
    {"{\"a\": 1} x", "bad.json:1:10: end of file expected"},
    {"{\"a\": \"\xff\"}", "bad.json:1:7: unable to decode"},
    {"[NaN]", "bad.json:1:4: "},
    {"\n\n[1e999]", "bad.json:3:6: real number overflow"},
    {"[99999999999999999999]", "too big integer"},
};

START_TEST(json_refuses) {
    json_t *j = NULL;
    put_text("bad.json", bad_json[_i].text);
    ck_refused(json_read("bad.json", &j), ERR_DATA, bad_json[_i].message);
    ck_assert_int_eq(json_parse(bad_json[_i].text, "bad.json", &j), ERR_DATA);
}
END_TEST

START_TEST(json_deep) {
    char text[200001];
    json_t *j = NULL;
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_refused(json_parse(text, "deep", &j), ERR_DATA, "maximum parsing depth");
    ck_refused(json_read("none.json", &j), ERR_IO, "cannot read none.json");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void) {
    Suite *s = suite_create("io");
    TCase *t = tcase_create("io");
    tcase_add_test(t, publishes);
    tcase_add_test(t, refuses_places);
    tcase_add_test(t, sweeps);
    tcase_add_loop_test(t, no_space, 0, 3);
    tcase_add_test(t, killed);
    tcase_add_test(t, hashes);
    tcase_add_test(t, reads_lines);
    tcase_add_test(t, too_many_columns);
    tcase_add_loop_test(t, refuses_text, 0, COUNT(bad_text));
    tcase_add_test(t, refuses_files);
    tcase_add_loop_test(t, csv_records, 0, COUNT(csv_good));
    tcase_add_test(t, csv_refuses);
    tcase_add_test(t, json_values);
    tcase_add_loop_test(t, json_refuses, 0, COUNT(bad_json));
    tcase_add_test(t, json_deep);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
