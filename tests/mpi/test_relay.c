/* lines shared out over ranks: what is written is that of one rank, whatever the blocks */
#include "mpi/agree.h"
#include "par/preempt.h"
#include "work/relay.h"

#include <signal.h>

static par *world;
static char folder[4096];

typedef struct seen {
    int lines, fail_at, signal_at;
} seen;

/* every line with its file, its number and the number of its block's first line checked */
static err number_lines(void *state, const relay_block *b, strbuf *out) {
    seen *s = state;
    const char *name = strrchr(b->name, '/');
    int64_t line = b->line;
    CHECK(b->n > 0 && b->text[b->n] == '\0', ERR_FAILED, "a block that does not end");
    for (char *p = b->text, *end = b->text + b->n; p < end; line++, s->lines++) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        int n = (int)((stop ? stop : end) - p);
        CHECK(line != s->fail_at, ERR_DATA, "%s:%lld: told to fail", b->name, (long long)line);
        if (line == s->signal_at)
            raise(SIGUSR1);
        CALL(strbuf_printf(out, "%s:%lld: %.*s\n", name ? name + 1 : b->name, (long long)line, n,
                           p));
        p += n + 1;
    }
    return OK;
}

static void put(const char *name, const char *bytes, size_t n, char path[4096]) {
    ck_all_ok(world, path_join(path, folder, name));
    ck_all_ok(world, world->rank == 0 ? atomic_write(path, bytes, n) : OK);
}

/* lines of 0 to 300 bytes, one of 5,000, empty ones in a row, no newline at the end */
static void make_lines(strbuf *text, strbuf *expected, const char *name) {
    for (int i = 1; i <= 499; i++) {
        int n = i % 50 < 3 ? 0 : i == 77 ? 5000 : i * 37 % 301;
        ck_all_ok(world, strbuf_printf(expected, "%s:%d: ", name, i));
        for (int k = 0; k < n; k++) {
            char c = (char)('a' + (i + k) % 26);
            ck_all_ok(world, strbuf_add(text, &c, 1));
            ck_all_ok(world, strbuf_add(expected, &c, 1));
        }
        ck_all_ok(world, strbuf_add(expected, "\n", 1));
        if (i < 499)
            ck_all_ok(world, strbuf_add(text, "\n", 1));
    }
}

static void run(char *const *files, int n, size_t block, seen *s, char **written, size_t *size,
                err *e) {
    FILE *out = open_memstream(written, size);
    ck_all(world, out != NULL);
    relay r = {.p = world, .files = files, .n_files = n, .block = block, .out = out};
    *e = relay_run(&r, number_lines, s);
    fclose(out);
}

START_TEST(in_order) {
    static const size_t blocks[] = {1, 7, 100, 1000, 4096, 0};
    strbuf text = {0}, expected = {0};
    char a[4096], b[4096], empty[4096], newline[4096], *files[] = {a, empty, newline, b};
    make_lines(&text, &expected, "a");
    put("a", text.text, text.len, a);
    put("empty", "", 0, empty);
    put("newline", "\n", 1, newline);
    strbuf_clear(&text);
    ck_all_ok(world, strbuf_printf(&expected, "newline:1: \n"));
    make_lines(&text, &expected, "b");
    put("b", text.text, text.len, b);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        char *written = NULL;
        size_t size;
        seen s = {0};
        err e;
        run(files, 4, blocks[i], &s, &written, &size, &e);
        ck_all_ok(world, e);
        int right = world->rank ? size == 0
                                : size == expected.len && memcmp(written, expected.text, size) == 0;
        ck_all(world, right);
        int64_t lines = s.lines;
        ck_all_ok(world, par_sum_i64(world, &lines, 1));
        ck_all(world, lines == 999);
        ck_all(world, blocks[i] != 1000 || s.lines > 0); /* nobody is idle where there is enough */
        free(written);
    }
    strbuf_free(&text);
    strbuf_free(&expected);
}
END_TEST

/* an error of one rank, and a file that is not there, end it on all */
START_TEST(fails_together) {
    strbuf text = {0}, expected = {0};
    char a[4096], none[4096], *files[] = {a, none}, *written = NULL;
    size_t size;
    err e;
    make_lines(&text, &expected, "a");
    put("a", text.text, text.len, a);
    seen s = {.fail_at = 431};
    run(files, 1, 64, &s, &written, &size, &e);
    ck_all(world, e == ERR_DATA && strstr(err_message(), "a:431: told to fail"));
    free(written);
    ck_all_ok(world, path_join(none, folder, "none"));
    s = (seen){0};
    run(files, 2, 0, &s, &written, &size, &e);
    ck_all(world, e == ERR_IO && strstr(err_message(), "none: cannot be read: No such file"));
    free(written);
    strbuf_free(&text);
    strbuf_free(&expected);
}
END_TEST

/* last, as the request stays: whoever works on line 100 is asked to stop; that round is written */
START_TEST(stops_between_rounds) {
    strbuf text = {0}, expected = {0};
    char a[4096], *files[] = {a}, *written = NULL;
    size_t size;
    err e;
    make_lines(&text, &expected, "a");
    put("a", text.text, text.len, a);
    preempt_install();
    seen s = {.signal_at = 100};
    run(files, 1, 1000, &s, &written, &size, &e);
    ck_all(world, e == ERR_STOPPED);
    ck_all(world,
           world->rank || (size < expected.len && memcmp(written, expected.text, size) == 0 &&
                           strstr(written, "a:100: ") && written[size - 1] == '\n'));
    free(written);
    strbuf_free(&text);
    strbuf_free(&expected);
}
END_TEST

static void set_up(void) {
    agree_folder(world, folder);
}

static void tear_down(void) {
    agree_remove(world, folder);
}

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("relay");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, in_order);
    tcase_add_test(t, fails_together);
    tcase_add_test(t, stops_between_rounds);
    return agree_run("relay", t, &world);
}
