/* study.h5: written together, read back, the same bytes on any number of ranks.
 * With an argument it runs no test and writes its sample store there, for readers in other
 * languages. */
#include "agree.h"

#include "io/atomic_file.h"
#include "par/comm.h"
#include "store/store.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static par *P;
static char DIR[4096];

/* Tables of every awkward size: none, one row, fewer than ranks, not a multiple of the ranks, and
 * more than one chunk of 64 KiB. */
static err fill(store_content *c) {
    store_attack *a;
    store_model *m;
    store_pretraining *t;
    store_option *o;
    for (int i = 0; i < 1003; i++) {
        CALL(store_add_attacks(c, &a));
        store_text(a->model, sizeof a->model, i % 2 ? "dense" : "prüned");
        store_text(a->outcome, sizeof a->outcome, "success");
        a->row = i;
        a->queries = INT64_C(1) << (i % 62);
        a->prob = 1.0 / (1.0 + i);
        a->similarity = i % 3 ? 0.9 : (double)NAN;
    }
    for (int i = 0; i < 5000; i++) {
        store_query *q;
        CALL(store_add_queries(c, &q));
        q->text = i % 2 ? -i : INT64_MAX - i;
        q->prob = 1.0 / (1.0 + i);
        q->similarity = i % 3 ? 0.9 : (double)NAN;
        q->word = i % 5 ? 100000 + i : -1;
        q->step = (int16_t)(i < 100 ? i : INT16_MAX);
        q->predicted = (int8_t)(i % 128);
        q->taken = i % 11 == 0;
    }
    for (int i = 0; i < 7; i++) {
        CALL(store_add_models(c, &m));
        store_text(m->title, sizeof m->title, "Greedy average");
        m->n = 100 + i;
        m->correct = 90 - i;
    }
    for (int i = 0; i < 2; i++) {
        CALL(store_add_options(c, &o));
        store_text(o->name, sizeof o->name, "seed");
    }
    CALL(store_add_pretraining(c, &t));
    t->heldout_last = -1.5e300;
    return OK;
}

static int same_rows(const void *a, size_t na, const void *b, size_t nb, size_t bytes) {
    return na == nb && (na == 0 || memcmp(a, b, na * bytes) == 0);
}

static int same(const store_content *a, const store_content *b) {
#define SAME(table, row, COLUMNS, title)                                                           \
    &&same_rows(a->table, a->n_##table, b->table, b->n_##table, sizeof *a->table)
    return 1 STORE_TABLES(SAME);
}

static char *path(char out[4096], const char *name) {
    ck_all_ok(P, path_join(out, DIR, name));
    return out;
}

START_TEST(comes_back) {
    char file[4096], tmp[4096];
    store_content c = {0}, back = {0};
    ck_all_ok(P, fill(&c));
    ck_all_ok(P, store_write(P, path(file, "round.h5"), &c));
    ck_all_ok(P, store_read(P, file, &back));
    ck_all(P, back.n_attacks == 1003 && back.n_variants == 0 && back.attacks[1002].row == 1002);
    ck_all(P, strcmp(back.attacks[0].model, "prüned") == 0);
    ck_all(P, same(&c, &back));
    ck_all(P, !path_exists(path(tmp, "round.h5.tmp")));
    /* a content that was read can grow */
    store_model *m;
    ck_all_ok(P, store_add_models(&back, &m));
    ck_all(P, back.n_models == 8 && m == &back.models[7] && m->n == 0 && back.models[6].n == 106);
    store_content_free(&c);
    store_content_free(&back);
}
END_TEST

START_TEST(empty_comes_back) {
    char file[4096];
    store_content c = {0}, back = {0};
    ck_all_ok(P, store_write(P, path(file, "empty.h5"), &c));
    ck_all_ok(P, store_read(P, file, &back));
    ck_all(P, same(&c, &back) && !back.models);
}
END_TEST

/* 1 if the files hold the same bytes. */
static int equal_files(const char *a, const char *b) {
    FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
    int cx = 0, cy = 0;
    while (x && y && cx == cy && cx != EOF) {
        cx = getc(x);
        cy = getc(y);
    }
    if (x)
        fclose(x);
    if (y)
        fclose(y);
    return x && y && cx == EOF && cy == EOF;
}

/* the first k ranks write alone, for every k: one file, byte for byte */
START_TEST(same_bytes_on_any_ranks) {
    char one[4096], many[4096], name[32];
    store_content c = {0};
    ck_all_ok(P, fill(&c));
    for (int k = 1; k <= P->size; k++) {
        MPI_Comm few;
        const int in = P->rank < k;
        MPI_Comm_split(par_comm_mpi(P), in, P->rank, &few);
        struct par_comm comm = {.comm = few};
        const par some = {.rank = P->rank, .size = k, .comm = &comm};
        snprintf(name, sizeof name, "ranks%d.h5", k);
        path(many, name);
        ck_all_ok(P, in ? store_write(&some, many, &c) : OK);
        MPI_Comm_free(&few);
        ck_all(P, equal_files(path(one, "ranks1.h5"), many));
    }
    /* written again: no time stamp, no address */
    ck_all_ok(P, store_write(P, path(many, "again.h5"), &c));
    ck_all(P, equal_files(one, many));
    store_content_free(&c);
}
END_TEST

/* a full disk, seen as a limit on the size of a file: nothing is published, what was there stays */
START_TEST(no_space_left) {
    char file[4096], copy[4096], tmp[4096];
    store_content c = {0}, small = {0};
    ck_all_ok(P, fill(&c));
    ck_all_ok(P, store_write(P, path(file, "full.h5"), &small));
    ck_all_ok(P, store_write(P, path(copy, "copy.h5"), &small));
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    const err e = store_write(P, file, &c);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_all(P, e == ERR_IO);
    ck_all(P, strstr(err_message(), "full.h5: ") != NULL);
    ck_all(P, equal_files(file, copy));
    ck_all(P, !path_exists(path(tmp, "full.h5.tmp")));
    store_content_free(&c);
}
END_TEST

START_TEST(refusals) {
    char file[4096];
    store_content c = {0};
    ck_all(P, store_read(P, path(file, "none.h5"), &c) == ERR_IO);
    ck_all(P, strstr(err_message(), "none.h5: cannot be read: No such file") != NULL);
    ck_all(P, store_write(P, path(file, "none/x.h5"), &c) == ERR_IO);
    path(file, "text.h5");
    ck_all_ok(P, P->rank == 0 ? atomic_write(file, "no store", 8) : OK);
    ck_all(P, store_read(P, file, &c) == ERR_DATA);
    ck_all(P, strstr(err_message(), "text.h5: not an HDF5 file") != NULL);
}
END_TEST

/* creating a dataset of two sizes would hang */
START_TEST(ranks_disagree) {
    char file[4096];
    store_content c = {0};
    store_soup *s;
    ck_all_ok(P, store_add_soup(&c, &s));
    ck_all_ok(P, P->rank > 0 ? store_add_soup(&c, &s) : OK);
    const err e = store_write(P, path(file, "disagree.h5"), &c);
    ck_all(P, e == (P->size > 1 ? ERR_FAILED : OK));
    store_content_free(&c);
}
END_TEST

START_TEST(selftest_leaves_nothing) {
    char file[4096];
    ck_all_ok(P, store_selftest(P, path(file, "self.h5")));
    ck_all_ok(P, par_barrier(P));
    ck_all(P, !path_exists(file));
}
END_TEST

START_TEST(describes_itself) {
    char file[4096];
    store_content c = {0};
    strbuf b = {0};
    ck_all_ok(P, fill(&c));
    ck_all_ok(P, store_write(P, path(file, "describe.h5"), &c));
    ck_all_ok(P, store_describe(file, &b));
    static const char *const lines[] = {
        "/attacks            1003 rows  every attacked example of every model by every recipe\n",
        "    queries          integer   queries    texts that the model was asked about\n",
        "    title            text 96              name in the tables\n",
        "/variants              0 rows  fine-tuned variants of the sweep\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_all(P, strstr(b.text, lines[i]) != NULL);
    strbuf_free(&b);
    store_content_free(&c);
}
END_TEST

static void setup(void) {
    agree_folder(P, DIR);
}

static void teardown(void) {
    agree_remove(P, DIR);
}

static int write_sample(const char *file) {
    store_content c = {0};
    err e = par_agree(P, fill(&c));
    if (e == OK)
        e = store_write(P, file, &c);
    if (e != OK)
        fprintf(stderr, "%s\n", err_message());
    store_content_free(&c);
    par_close(&P);
    return e != OK;
}

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &P) != OK) {
        fprintf(stderr, "%s\n", err_message());
        return 1;
    }
    if (argc > 1)
        return write_sample(argv[1]);
    TCase *t = tcase_create("store");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, comes_back);
    tcase_add_test(t, empty_comes_back);
    tcase_add_test(t, same_bytes_on_any_ranks);
    tcase_add_test(t, no_space_left);
    tcase_add_test(t, refusals);
    tcase_add_test(t, ranks_disagree);
    tcase_add_test(t, selftest_leaves_nothing);
    tcase_add_test(t, describes_itself);
    return agree_run("store", t, &P);
}
