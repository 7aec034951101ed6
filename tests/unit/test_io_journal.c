/* the crash journal, the manifest, the lock: what is there after a crash, and what is refused */
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/journal.h"
#include "io/lines.h"
#include "io/lock.h"
#include "io/manifest.h"
#include "par/preempt.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* journal: "KEY UNIT RECORD;" a line */
static err add_line(void *state, const char *key, int64_t unit, const char *record) {
    return strbuf_printf(state, "%s %d %s;", key, (int)unit, record);
}

static void expect(const char *stage, const char *want) {
    strbuf got = {0};
    ck_ok(strbuf_printf(&got, "%s", ""));
    ck_ok(journal_read("j", stage, add_line, &got));
    ck_assert_str_eq(got.text, want);
    strbuf_free(&got);
}

static void append(const char *stage, int rank, const char *key, int64_t unit, const char *record) {
    journal *j = NULL;
    ck_ok(journal_open("j", stage, rank, &j));
    ck_ok(journal_append(j, key, unit, record));
    journal_close(&j);
    ck_assert_ptr_null(j);
}

static void fresh(void) {
    nftw("j", scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
    ck_ok(dir_make("j"));
}

static char *whole(const char *path, size_t *n) {
    char *bytes = NULL;
    ck_ok(file_read(path, &bytes, n));
    return bytes;
}

START_TEST(keeps_lines) {
    fresh();
    expect("s", "");
    append("s", 0, "soup", 3, "{\"a\": 1}");
    append("s", 10, "", -1, "");
    append("s", 2, "k", INT32_MAX, "tab\tand \xc3\xa9");
    append("s", 0, "soup", 4, "x");
    append("s.2", 0, "other", 1, "stage");
    append("s2", 0, "other", 1, "stage");
    put_text("j/s.notes.log", "not a journal");
    put_text("j/s.1.log.old", "not a journal");
    /* ranks in order of number, lines in order of file */
    expect("s", "soup 3 {\"a\": 1};soup 4 x;k 2147483647 tab\tand \xc3\xa9; -1 ;");
    expect("s.2", "other 1 stage;");
    expect("none", "");
}
END_TEST

/* the documented line: 16 hex digits of the SHA-256 of what follows, tab, key, tab, unit, tab,
 * record */
START_TEST(line_format) {
    fresh();
    append("s", 0, "key", 42, "{}");
    size_t n;
    char *text = whole("j/s.0.log", &n), want[100], hex[65];
    hash_bytes("key\t42\t{}", 9, hex);
    snprintf(want, sizeof want, "%.16s\tkey\t42\t{}\n", hex);
    ck_assert_str_eq(text, want);
    free(text);
}
END_TEST

START_TEST(refuses_lines) {
    journal *j = NULL;
    char longest[300];
    fresh();
    memset(longest, 's', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_ok(journal_open("j", "s", 0, &j));
    ck_refused(journal_append(j, "a\tb", 1, "x"), ERR_FAILED, "tab or newline");
    ck_refused(journal_append(j, "a\n", 1, "x"), ERR_FAILED, "tab or newline");
    ck_refused(journal_append(j, "a", 1, "x\ny"), ERR_FAILED, "tab or newline");
    journal_close(&j);
    journal_close(&j);
    expect("s", "");
    ck_refused(journal_open("none", "s", 0, &j), ERR_IO, "none/s.0.log");
    ck_refused(journal_open("j", longest, 0, &j), ERR_FAILED, "too long");
    ck_refused(journal_read("none", "s", add_line, NULL), ERR_IO, "cannot read folder none");
}
END_TEST

/* cut off at every byte: the whole lines are there, the torn one is not, and appending goes on */
START_TEST(torn) {
    fresh();
    append("s", 0, "k", 0, "first");
    size_t one, n;
    free(whole("j/s.0.log", &one));
    append("s", 0, "k", 1, "second");
    char *text = whole("j/s.0.log", &n);
    for (size_t cut = 0; cut <= n; cut++) {
        put_file("j/s.0.log", text, cut);
        const char *want = cut < one ? "" : cut < n ? "k 0 first;" : "k 0 first;k 1 second;";
        expect("s", want);
        append("s", 0, "k", 2, "after");
        char all[100];
        snprintf(all, sizeof all, "%sk 2 after;", want);
        expect("s", all);
    }
    free(text);
}
END_TEST

/* the last line written in part, but with its newline: as torn */
START_TEST(torn_with_newline) {
    fresh();
    append("s", 0, "k", 0, "first");
    append("s", 0, "k", 1, "second");
    size_t n;
    char *text = whole("j/s.0.log", &n);
    memset(text + n - 6, 0, 5);
    put_file("j/s.0.log", text, n);
    free(text);
    expect("s", "k 0 first;");
    append("s", 0, "k", 1, "second");
    expect("s", "k 0 first;k 1 second;");
}
END_TEST

/* any byte of any line but the last changed: an error that names file and line; nothing is cut */
START_TEST(damaged) {
    fresh();
    append("s", 0, "k", 0, "first");
    size_t one, two, n;
    free(whole("j/s.0.log", &one));
    append("s", 0, "k", 1, "second");
    free(whole("j/s.0.log", &two));
    append("s", 0, "k", 2, "third");
    char *text = whole("j/s.0.log", &n);
    for (size_t i = 0; i < two; i++) {
        journal *j = NULL;
        struct stat st;
        strbuf got = {0};
        char place[40];
        text[i] ^= 1;
        put_file("j/s.0.log", text, n);
        text[i] ^= 1;
        snprintf(place, sizeof place, "j/s.0.log:%d: the line is damaged", i < one ? 1 : 2);
        /* a newline that is none joins two lines: the pair is damaged, unless it is the last */
        if (i == two - 1) {
            ck_ok(journal_read("j", "s", add_line, &got));
            ck_assert_str_eq(got.text, "k 0 first;");
        } else {
            ck_refused(journal_read("j", "s", add_line, &got), ERR_DATA, place);
            ck_refused(journal_open("j", "s", 0, &j), ERR_DATA, place);
            ck_assert(stat("j/s.0.log", &st) == 0 && (size_t)st.st_size == n);
        }
        strbuf_free(&got);
    }
    free(text);
}
END_TEST

/* killed while it appends: every line that append returned from is there */
START_TEST(killed) {
    for (int turn = 0; turn < 5; turn++) {
        int told[2];
        fresh();
        ck_assert_int_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            journal *j = NULL;
            if (journal_open("j", "s", 0, &j) != OK)
                _exit(1);
            for (int32_t i = 0;; i++)
                if (journal_append(j, "k", i, "{\"some\": \"record\"}") != OK ||
                    write(told[1], &i, sizeof i) != sizeof i)
                    _exit(1);
        }
        close(told[1]);
        int32_t last = -1, i;
        usleep((useconds_t)(5000 + 3000 * turn));
        while (last < 3 && read(told[0], &i, sizeof i) == sizeof i)
            last = i;
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        while (read(told[0], &i, sizeof i) == sizeof i)
            last = i;
        close(told[0]);
        strbuf got = {0}, want = {0};
        ck_ok(journal_read("j", "s", add_line, &got));
        for (int32_t k = 0; k <= last; k++)
            ck_ok(strbuf_printf(&want, "k %d {\"some\": \"record\"};", k));
        ck_assert_uint_ge(got.len, want.len); /* one may be written but not yet told */
        ck_assert_mem_eq(got.text, want.text, want.len);
        strbuf_free(&got);
        strbuf_free(&want);
    }
}
END_TEST

/* no space for the third line: an error, and the journal stays sound without a new start */
START_TEST(no_space) {
    journal *j = NULL;
    fresh();
    ck_ok(journal_open("j", "s", 0, &j));
    ck_ok(journal_append(j, "k", 0, "first"));
    preempt_install();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){60, 5000}), 0);
    ck_refused(journal_append(j, "k", 1, "a line that does not fit any more"), ERR_IO, "j/s.0.log");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}), 0);
    ck_ok(journal_append(j, "k", 2, "third"));
    journal_close(&j);
    expect("s", "k 0 first;k 2 third;");
}
END_TEST

START_TEST(manifest_lists) {
    manifest *m = NULL;
    nftw("m", scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
    ck_ok(dir_make("m/models"));
    ck_ok(manifest_open("m", &m));
    ck_assert(!manifest_has(m, "models/a"));
    put_text("m/models/a", "abc");
    ck_assert(!manifest_has(m, "models/a"));
    ck_ok(manifest_add(m, "models/a", "finetune", "study.yaml"));
    put_text("m/b", "");
    ck_ok(manifest_add(m, "b", "prune", "models/a,study.yaml"));
    ck_refused(manifest_add(m, "none", "x", ""), ERR_IO, "cannot read m/none");
    manifest_close(&m);
    ck_ok(manifest_open("m", &m));
    ck_assert(manifest_has(m, "models/a") && manifest_has(m, "b") && !manifest_has(m, "none"));
    ck_ok(manifest_verify(m));
    size_t n;
    char *text = whole("m/manifest.json", &n);
    ck_assert_ptr_nonnull(
        strstr(text, "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""));
    ck_assert_ptr_nonnull(strstr(text, "\"made_from\": \"models/a,study.yaml\""));
    free(text);
    put_text("m/models/a", "abd"); /* same size, other bytes */
    ck_assert(manifest_has(m, "models/a"));
    ck_refused(manifest_verify(m), ERR_DATA, "m/models/a is not what it was");
    put_text("m/models/a", "abcd");
    ck_assert(!manifest_has(m, "models/a"));
    unlink("m/models/a");
    ck_assert(!manifest_has(m, "models/a"));
    ck_refused(manifest_verify(m), ERR_IO, "cannot read m/models/a");
    put_text("m/models/a", "new");
    ck_ok(manifest_add(m, "models/a", "finetune", ""));
    ck_ok(manifest_verify(m));
    manifest_close(&m);
    manifest_close(&m);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_manifest[] = {
    {"[]", "expected an object"},
    {"{", "m/manifest.json:1:"},
    {"{\"a\": 1}", "m/manifest.json: \"a\": field \"bytes\" is missing"},
    {"{\"a\": {\"bytes\": -1, \"made_by\": \"\", \"made_from\": \"\", \"sha256\": \"\"}}",
     "is -1, expected 0"},
    {"{\"a\": {\"bytes\": 1, \"made_by\": \"\", \"made_from\": \"\", \"sha256\": \"ab\"}}",
     "not 64 hex digits"},
    {"{\"a\": {\"bytes\": 1, \"made_by\": \"\", \"made_from\": \"\"}}", "\"sha256\" is missing"},
};

START_TEST(manifest_refuses) {
    manifest *m = NULL;
    ck_ok(dir_make("m"));
    put_text("m/manifest.json", bad_manifest[_i].text);
    ck_refused(manifest_open("m", &m), ERR_DATA, bad_manifest[_i].message);
    ck_assert_ptr_null(m);
}
END_TEST

/* held by another process, by this one, and by one that was killed */
START_TEST(locks) {
    lock *l = NULL, *second = NULL;
    char process[40];
    int ready[2];
    char byte;
    ck_ok(dir_make("l"));
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (lock_take("l", &l) != OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    snprintf(process, sizeof process, "process %d)", (int)child);
    ck_refused(lock_take("l", &l), ERR_FAILED, "another run works in l (host ");
    ck_assert_ptr_nonnull(strstr(err_message(), process));
    ck_assert_ptr_null(l);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_ok(lock_take("l", &l));
    snprintf(process, sizeof process, "process %d)", (int)getpid());
    ck_refused(lock_take("l", &second), ERR_FAILED, process);
    lock_release(&l);
    ck_assert_ptr_null(l);
    ck_ok(lock_take("l", &second));
    lock_release(&second);
    lock_release(&second);
    ck_refused(lock_take("none", &l), ERR_IO, "cannot open none/.lock");
}
END_TEST

/* what an earlier start of the same batch job holds is waited for; a file removed by hand is free
 */
START_TEST(locks_of_a_job) {
    lock *l = NULL, *second = NULL;
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    ck_ok(dir_make("lj"));
    setenv("SLURM_JOB_ID", "4711", 1);
    pid_t child = fork();
    if (child == 0) {
        if (lock_take("lj", &l) != OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        sleep(2);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    setenv("SLURM_JOB_ID", "471", 1);
    ck_refused(lock_take("lj", &l), ERR_FAILED, ", job 4711): wait for it, or stop it");
    setenv("SLURM_JOB_ID", "4711", 1);
    ck_refused(lock_try("lj", &l), ERR_FAILED, ", job 4711): wait for it, or stop it");
    ck_ok(lock_take("lj", &l));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    unsetenv("SLURM_JOB_ID");
    ck_refused(lock_take("lj", &second), ERR_FAILED, "remove lj/.lock");
    ck_assert_int_eq(unlink("lj/.lock"), 0);
    ck_ok(lock_take("lj", &second));
    lock_release(&second);
    lock_release(&l);
}
END_TEST

static int keep_some(void *state, const char *stage, const char *key) {
    (void)state;
    return strcmp(stage, "s") == 0 && strncmp(key, "so", 2) == 0;
}

/* of all journals the lines of some keys of one stage stay; files with nothing left go */
START_TEST(keeps_some) {
    fresh();
    append("s", 0, "soup", 3, "{\"a\": 1}");
    append("s", 0, "other", 3, "x");
    append("s", 0, "sold", 4, "tab\tand");
    append("s", 12, "other", 4, "y");
    append("s.2", 0, "soup", 1, "z");
    put_text("j/notes.log", "not a journal");
    ck_ok(journal_keep("j", keep_some, NULL));
    expect("s", "soup 3 {\"a\": 1};sold 4 tab\tand;");
    expect("s.2", "");
    ck_assert(!path_exists("j/s.12.log") && !path_exists("j/s.2.0.log"));
    ck_assert(path_exists("j/s.0.log") && path_exists("j/notes.log"));
    append("s", 0, "soup", 5, "more");
    expect("s", "soup 3 {\"a\": 1};sold 4 tab\tand;soup 5 more;");
    ck_refused(journal_keep("none", keep_some, NULL), ERR_IO, "cannot read folder none");
}
END_TEST

int main(void) {
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("journal");
    tcase_add_test(t, keeps_lines);
    tcase_add_test(t, line_format);
    tcase_add_test(t, refuses_lines);
    tcase_add_test(t, torn);
    tcase_add_test(t, torn_with_newline);
    tcase_add_test(t, damaged);
    tcase_add_test(t, killed);
    tcase_add_test(t, no_space);
    tcase_add_test(t, keeps_some);
    tcase_add_test(t, manifest_lists);
    tcase_add_loop_test(t, manifest_refuses, 0, sizeof bad_manifest / sizeof *bad_manifest);
    tcase_add_test(t, locks);
    tcase_add_test(t, locks_of_a_job);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
