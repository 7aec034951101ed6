/* units of work: each once, known everywhere; failure, kill and request to stop lose nothing */
#include "base/strbuf.h"
#include "io/journal.h"
#include "mpi/agree.h"
#include "par/preempt.h"
#include "work/units.h"

#include <signal.h>
#include <unistd.h>

enum { N = 23 };

static par *world;
static char dir[4096];

typedef struct work {
    int64_t runs[N];   /* of each unit, on this rank */
    int64_t order[N];  /* units in the order this rank got them */
    int64_t n;         /* of order */
    int64_t fails;     /* this unit fails; -1: none */
    int64_t signals;   /* this unit asks its own process to stop; -1: none */
    const char *extra; /* put into every record */
} work;

static err square(void *state, int64_t unit, strbuf *record) {
    work *w = state;
    w->runs[unit]++;
    w->order[w->n++] = unit;
    CHECK(unit != w->fails, ERR_DATA, "unit %d cannot be done", (int)unit);
    if (unit == w->signals)
        raise(SIGUSR1);
    return strbuf_printf(record, "{\"square\": %d%s}", (int)(unit * unit),
                         w->extra ? w->extra : "");
}

static work plain(void) {
    return (work){.fails = -1, .signals = -1};
}

static units list(const char *key) {
    return (units){.p = world, .dir = dir, .stage = "squares", .key = key, .noun = "units", .n = N};
}

/* runs of each unit on all ranks together */
static void count_runs(work *w) {
    ck_all_ok(world, par_sum_i64(world, w->runs, N));
}

static int all_squares(char **records, int64_t n) {
    int right = 1;
    for (int64_t i = 0; i < n; i++) {
        char want[64];
        snprintf(want, sizeof want, "{\"square\": %d}", (int)(i * i));
        right &= records[i] != NULL && strcmp(records[i], want) == 0;
    }
    return right;
}

static void setup(void) {
    agree_folder(world, dir);
}

static void teardown(void) {
    agree_remove(world, dir);
}

/* with and without a journal, 0, 1 and 23 units: each is done once and its record is everywhere */
START_TEST(each_once) {
    static const int64_t sizes[] = {0, 1, N};
    units u = list("");
    work w = plain();
    char **records = NULL;
    u.n = sizes[_i / 2];
    u.dir = _i % 2 ? dir : NULL;
    ck_all_ok(world, units_run(&u, square, &w, &records));
    ck_all(world, all_squares(records, u.n));
    units_free(&records, u.n);
    count_runs(&w);
    for (int64_t i = 0; i < N; i++)
        ck_assert_int_eq(w.runs[i], i < u.n);
    /* a second start finds all done, if there is a journal */
    w = plain();
    ck_all_ok(world, units_run(&u, square, &w, &records));
    ck_all(world, all_squares(records, u.n));
    units_free(&records, u.n);
    count_runs(&w);
    for (int64_t i = 0; i < u.n; i++)
        ck_assert_int_eq(w.runs[i], _i % 2 ? 0 : 1);
}
END_TEST

/* handed out in the order asked for: falling on every rank, and rank 0 alone gets all of it */
START_TEST(in_order) {
    int64_t order[N];
    units u = list("");
    work w = plain();
    char **records = NULL;
    for (int64_t i = 0; i < N; i++)
        order[i] = N - 1 - i;
    u.order = order;
    ck_all_ok(world, units_run(&u, square, &w, &records));
    int falling = world->size > 1 || w.n == N;
    for (int64_t i = 1; i < w.n; i++)
        falling &= w.order[i] < w.order[i - 1];
    ck_all(world, falling && all_squares(records, N));
    units_free(&records, N);
    order[3] = N;
    u.key = "other";
    ck_all(world, units_run(&u, square, &w, &records) == ERR_FAILED);
}
END_TEST

/* a unit that fails ends the run on every rank with its message; the next start does the failed one
 * and those never begun, and nothing twice */
START_TEST(resumes) {
    units u = list("greedy");
    work w = plain(), again = plain();
    char **records = NULL;
    w.fails = 5 * _i;
    ck_all(world, units_run(&u, square, &w, &records) == ERR_DATA && records == NULL);
    char message[64];
    snprintf(message, sizeof message, "unit %d cannot be done", (int)w.fails);
    ck_all(world, strcmp(err_message(), message) == 0);
    count_runs(&w);
    ck_all_ok(world, units_read(&u, &records));
    int right = 1;
    for (int64_t i = 0; i < N; i++)
        right &= (records[i] != NULL) == (w.runs[i] == 1 && i != w.fails);
    ck_all(world, right);
    units_free(&records, N);
    ck_all_ok(world, units_run(&u, square, &again, &records));
    ck_all(world, all_squares(records, N));
    units_free(&records, N);
    count_runs(&again);
    for (int64_t i = 0; i < N; i++)
        ck_assert_int_eq(w.runs[i] + again.runs[i], i == w.fails ? 2 : 1);
}
END_TEST

static err first_fails(void *count, int64_t unit, strbuf *record) {
    ++*(int64_t *)count;
    CHECK(unit != 0, ERR_FAILED, "the first one");
    usleep(1000);
    return strbuf_printf(record, "{}");
}

/* a failure ends the others' work: ten seconds of units are not begun any more */
START_TEST(failure_stops_others) {
    units u = list("");
    int64_t count = 0;
    char **records = NULL;
    u.n = 10000 * world->size;
    u.dir = NULL;
    ck_all(world, units_run(&u, first_fails, &count, &records) == ERR_FAILED);
    ck_all_ok(world, par_sum_i64(world, &count, 1));
    ck_all(world, count < u.n);
}
END_TEST

/* two failures at once: one message, the same everywhere */
START_TEST(fails_everywhere) {
    units u = list("");
    work w = plain();
    char **records = NULL, *all;
    size_t *offsets;
    w.fails = world->rank; /* whoever gets the unit of its own number */
    err e = units_run(&u, square, &w, &records);
    ck_all(world, e == OK || e == ERR_DATA);
    ck_all(world, par_all(world, e == OK) || par_all(world, e == ERR_DATA));
    if (e == OK) {
        units_free(&records, N);
        return;
    }
    const char *m = err_message();
    ck_all_ok(world, par_allgather(world, m, strlen(m) + 1, &all, &offsets));
    int same = 1;
    for (int r = 0; r < world->size; r++)
        same &= strcmp(all + offsets[r], m) == 0;
    ck_all(world, same);
    free(all);
    free(offsets);
}
END_TEST

/* what ranks of another run, more than now, have left behind; by rank 0 */
static err leave(int rank, const char *key, int64_t unit, const char *record) {
    journal *j = NULL;
    if (world->rank != 0)
        return OK;
    CALL(journal_open(dir, "squares", rank, &j));
    err e = journal_append(j, key, unit, record);
    journal_close(&j);
    return e;
}

START_TEST(takes_up_others) {
    units u = list("k");
    work w = plain();
    char **records = NULL;
    ck_all_ok(world, leave(17, "k", 3, "{\"square\": 9}"));
    ck_all_ok(world, leave(40, "k", 7, "{\"square\": 49}"));
    ck_all_ok(world, leave(17, "another", 4, "not ours"));
    ck_all_ok(world, leave(2, "k", 3, "{\"square\": 9}")); /* twice, but the same */
    if (world->rank == 0) {                                /* torn: killed while writing */
        char path[4200];
        snprintf(path, sizeof path, "%s/squares.40.log", dir);
        FILE *f = fopen(path, "ab");
        fputs("0123456789abcdef\tk\t8\t{\"squ", f);
        fclose(f);
    }
    ck_all_ok(world, units_run(&u, square, &w, &records));
    ck_all(world, all_squares(records, N));
    units_free(&records, N);
    count_runs(&w);
    for (int64_t i = 0; i < N; i++)
        ck_assert_int_eq(w.runs[i], i != 3 && i != 7);
}
END_TEST

START_TEST(refuses_contradictions) {
    units u = list("k");
    work w = plain();
    char **records = NULL;
    ck_all_ok(world, leave(0, "k", 3, "{\"square\": 9}"));
    ck_all_ok(world, leave(1, "k", 3, _i ? "{\"square\": 10}" : "{\"square\": 9}"));
    if (!_i)
        ck_all_ok(world, leave(1, "k", N, "one too many"));
    ck_all(world, units_run(&u, square, &w, &records) == ERR_DATA && w.n == 0);
    ck_all(world, strstr(err_message(), _i ? "done twice" : "unit 23 of \"k\"") != NULL);
    ck_all(world, units_read(&u, &records) == ERR_DATA);
}
END_TEST

START_TEST(keys_and_stages) {
    units a = list("a"), b = list("b"), other = list("a"), bad = list("a\tb");
    work w = plain();
    char **records = NULL;
    other.stage = "square"; /* the beginning of another stage's name */
    w.extra = ", \"key\": \"a\"";
    ck_all_ok(world, units_run(&a, square, &w, &records));
    units_free(&records, N);
    ck_all_ok(world, units_read(&b, &records));
    ck_all(world, records[0] == NULL && records[N - 1] == NULL);
    units_free(&records, N);
    ck_all_ok(world, units_read(&other, &records));
    ck_all(world, records[0] == NULL);
    units_free(&records, N);
    w.extra = NULL;
    w.n = 0;
    ck_all_ok(world, units_run(&b, square, &w, &records));
    ck_all(world, all_squares(records, N));
    units_free(&records, N);
    ck_all(world, units_run(&bad, square, &w, &records) == ERR_FAILED);
    w.n = 0;
    a.key = "lines";
    w.extra = "\n";
    ck_all(world, units_run(&a, square, &w, &records) == ERR_FAILED);
    ck_all(world, strstr(err_message(), "one line") != NULL);
}
END_TEST

/* up to four units at a time; the youngest is done first */
static err several(void *state, units_hand *h) {
    work *w = state;
    int64_t hand[4], unit = 0;
    int n = 0;
    strbuf record = {0};
    err e = OK;
    while (unit >= 0 || n > 0) {
        while (n < 4 && unit >= 0) {
            TRY(units_take(h, &unit));
            if (unit >= 0)
                hand[n++] = unit;
        }
        if (n == 0)
            break;
        strbuf_clear(&record);
        TRY(square(w, hand[--n], &record));
        TRY(units_done(h, hand[n], record.text));
    }
done:
    strbuf_free(&record);
    return e;
}

/* several at a time: each once, and after a failure those that were done stay done */
START_TEST(several_at_a_time) {
    units u = list("several");
    work w = plain(), again = plain(), third = plain();
    char **records = NULL;
    w.fails = 7 * _i;
    ck_all(world, units_run_several(&u, several, &w, &records) == ERR_DATA && !records);
    ck_all_ok(world, units_run_several(&u, several, &again, &records));
    ck_all(world, all_squares(records, N));
    units_free(&records, N);
    count_runs(&w);
    count_runs(&again);
    for (int64_t i = 0; i < N; i++) {
        int64_t runs = w.runs[i] + again.runs[i];
        ck_assert(runs == 1 || (i == w.fails && runs == 2));
    }
    ck_all_ok(world, units_run_several(&u, several, &third, &records));
    ck_all(world, all_squares(records, N) && third.n == 0);
    units_free(&records, N);
}
END_TEST

/* all units one after the other; none takes its second before all have taken their first */
static err one_by_one(void *state, units_hand *h) {
    work *w = state;
    int64_t unit;
    strbuf record = {0};
    err e;
    do {
        TRY(units_take(h, &unit));
        if (w->n == 0)
            TRY(par_barrier(world));
        if (unit < 0)
            break;
        strbuf_clear(&record);
        TRY(square(w, unit, &record));
        TRY(units_done(h, unit, record.text));
    } while (unit >= 0);
done:
    strbuf_free(&record);
    return e;
}

/* a rank begins with every size-th unit of the order, the same ones when some are done already,
 * and goes on with those of the others */
START_TEST(begins_at_home) {
    const int size = world->size, rank = world->rank;
    int64_t order[N];
    units u = list("homes");
    work w = plain();
    char **records = NULL;
    for (int64_t i = 0; i < N; i++)
        order[i] = N - 1 - i;
    u.order = order;
    for (int64_t i = 0; i < _i * size; i++) {
        char record[64];
        snprintf(record, sizeof record, "{\"square\": %d}", (int)(order[i] * order[i]));
        ck_all_ok(world, leave(0, "homes", order[i], record));
    }
    ck_all_ok(world, units_run_several(&u, one_by_one, &w, &records));
    ck_all(world, all_squares(records, N));
    ck_all(world, w.order[0] == order[_i * size + rank]);
    units_free(&records, N);
    count_runs(&w);
    for (int64_t i = 0; i < N; i++)
        ck_assert_int_eq(w.runs[order[i]], i >= _i * size);
}
END_TEST

/* last: the request stays. The unit that was running is finished and kept */
START_TEST(stops_on_request) {
    units u = list("");
    work w = plain();
    char **records = NULL;
    w.signals = 4;
    preempt_install();
    ck_all(world, units_run(&u, square, &w, &records) == ERR_STOPPED && records == NULL);
    count_runs(&w);
    ck_all_ok(world, units_read(&u, &records));
    int right = records[4] != NULL && w.runs[4] == 1;
    for (int64_t i = 0; i < N; i++)
        right &= (records[i] != NULL) == (w.runs[i] == 1);
    ck_all(world, right && (world->size > 1 || w.runs[5] == 0));
    units_free(&records, N);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("units");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_once, 0, 6);
    tcase_add_test(t, in_order);
    tcase_add_loop_test(t, resumes, 0, 5);
    tcase_add_test(t, failure_stops_others);
    tcase_add_test(t, fails_everywhere);
    tcase_add_test(t, takes_up_others);
    tcase_add_loop_test(t, refuses_contradictions, 0, 2);
    tcase_add_test(t, keys_and_stages);
    tcase_add_loop_test(t, several_at_a_time, 0, 4);
    tcase_add_loop_test(t, begins_at_home, 0, 3);
    tcase_add_test(t, stops_on_request);
    return agree_run("units", t, &world);
}
