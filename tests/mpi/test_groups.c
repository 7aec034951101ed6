/* ranks in groups: splitting, units that several ranks share, units that go by name */
#include "base/strbuf.h"
#include "mpi/agree.h"
#include "work/units.h"

enum { N = 40, MANY = 10000 };

static par *world;

START_TEST(split) {
    for (int size = 1; size <= world->size + 1; size++) {
        par *g = NULL;
        ck_all_ok(world, par_split(world, world->rank / size, &g));
        int first = world->rank / size * size, last = first + size;
        if (last > world->size)
            last = world->size;
        int right = g->rank == world->rank - first && g->size == last - first;
        int64_t sum = world->rank;
        ck_all_ok(world, par_sum_i64(g, &sum, 1));
        right &= sum == (int64_t)(last - first) * (first + last - 1) / 2;
        /* a group of a group */
        par *half = NULL;
        ck_all_ok(world, par_split(g, g->rank % 2 ? -1 : 0, &half));
        right &= g->rank % 2 ? half == NULL : half && half->size == (g->size + 1) / 2;
        par_close(&half);
        par_close(&g);
        ck_all(world, right && g == NULL);
    }
    const par alone = par_alone();
    par *g = NULL;
    ck_all_ok(world, par_split(&alone, 3, &g));
    ck_all(world, g->size == 1 && g->rank == 0 && par_barrier(g) == OK);
    par_close(&g);
}
END_TEST

typedef struct shared {
    int64_t ranks[MANY];
    int64_t runs[MANY];  /* on this rank */
    int64_t sizes[MANY]; /* of the group that did it, where this is its rank 0 */
    int64_t order[MANY]; /* on this rank, in turn */
    int64_t n;
    int64_t fails; /* on the last rank of its group; -1: none */
} shared;

/* what a group finds out together goes into the record: it may not depend on the group */
static err together(void *state, const par *group, int64_t unit, strbuf *record) {
    shared *w = state;
    int64_t parts[12] = {0};
    for (int i = group->rank; i < 12; i += group->size)
        parts[i] = unit * (i + 1);
    w->runs[unit]++;
    w->order[w->n++] = unit;
    if (group->rank == 0)
        w->sizes[unit] = group->size;
    CALL(par_sum_i64(group, parts, 12));
    CHECK(unit != w->fails || group->rank < group->size - 1, ERR_DATA, "unit %d fails", (int)unit);
    int64_t sum = 0;
    for (int i = 0; i < 12; i++)
        sum += parts[i];
    return strbuf_printf(record, "{\"sum\": %d}", (int)sum);
}

static int all_sums(char **records, int64_t n) {
    int right = 1;
    for (int64_t i = 0; i < n; i++) {
        char want[64];
        snprintf(want, sizeof want, "{\"sum\": %d}", (int)(78 * i));
        right &= records[i] != NULL && strcmp(records[i], want) == 0;
    }
    return right;
}

static units list(int64_t n, shared *w) {
    return (units){
        .p = world, .stage = "groups", .key = "", .noun = "units", .n = n, .ranks = w->ranks};
}

static shared *some(int64_t n) {
    static const int64_t sizes[] = {1, 2, 1, 4, 3, 1, 100, 2, 0};
    shared *w = calloc(1, sizeof *w);
    ck_all(world, w != NULL);
    w->fails = -1;
    for (int64_t i = 0; i < n; i++)
        w->ranks[i] = sizes[i % 9];
    return w;
}

static int at_least_one(int64_t x) {
    return x < 1 ? 1 : (int)x;
}

/* every unit once, by a group that is not larger than it asks for nor than the world; and not
 * smaller but for the group that is left over */
START_TEST(groups) {
    shared *w = some(N);
    units u = list(N, w);
    char **records = NULL;
    ck_all_ok(world, units_run_groups(&u, together, w, &records));
    ck_all(world, all_sums(records, N));
    units_free(&records, N);
    int falling = 1; /* units for more ranks come first */
    for (int64_t i = 1; i < w->n; i++) {
        int64_t a = w->ranks[w->order[i - 1]], b = w->ranks[w->order[i]];
        falling &= (a < world->size ? at_least_one(a) : world->size) >=
                   (b < world->size ? at_least_one(b) : world->size);
    }
    ck_all(world, falling);
    ck_all_ok(world, par_sum_i64(world, w->runs, N));
    ck_all_ok(world, par_sum_i64(world, w->sizes, N));
    for (int64_t i = 0; i < N; i++) {
        int want = at_least_one(w->ranks[i]);
        if (want >= world->size)
            ck_assert_int_eq(w->sizes[i], world->size);
        ck_assert_int_eq(w->runs[i], w->sizes[i]);
        ck_assert_int_le(w->sizes[i], want);
        ck_assert_int_ge(w->sizes[i], 1);
    }
    free(w);
}
END_TEST

/* ten thousand of them, all sizes mixed */
START_TEST(many) {
    shared *w = some(MANY);
    units u = list(MANY, w);
    char **records = NULL;
    for (int64_t i = 0; i < MANY; i++)
        w->ranks[i] = i % 500 == 7 ? 1 + i / 500 % 4 : 1;
    ck_all_ok(world, units_run_groups(&u, together, w, &records));
    ck_all(world, all_sums(records, MANY));
    units_free(&records, MANY);
    ck_all_ok(world, par_sum_i64(world, w->runs, MANY));
    ck_all_ok(world, par_sum_i64(world, w->sizes, MANY));
    int once = 1;
    for (int64_t i = 0; i < MANY; i++)
        once &= w->runs[i] == w->sizes[i] && w->sizes[i] >= 1;
    ck_all(world, once);
    free(w);
}
END_TEST

/* one rank of a group fails: all ranks of all groups end with its message */
START_TEST(a_rank_of_a_group_fails) {
    shared *w = some(N);
    units u = list(N, w);
    char **records = NULL;
    w->fails = 3 + _i;
    ck_all(world, units_run_groups(&u, together, w, &records) == ERR_DATA && records == NULL);
    char want[32];
    snprintf(want, sizeof want, "unit %d fails", 3 + _i);
    ck_all(world, strcmp(err_message(), want) == 0);
    free(w);
}
END_TEST

/* units by name: the list changes between starts, and only what is new is done */
START_TEST(by_name) {
    static const char *const first[] = {"a", "b", "c"}, *const then[] = {"c", "new", "a"};
    char dir[4096], **records = NULL;
    agree_folder(world, dir);
    shared *w = some(3), *again = some(3);
    units u = list(3, w);
    u.dir = dir;
    u.names = first;
    ck_all_ok(world, units_run_groups(&u, together, w, &records));
    units_free(&records, 3);
    u.names = then;
    ck_all_ok(world, units_read(&u, &records));
    ck_all(world, records[1] == NULL);
    units_free(&records, 3);
    ck_all_ok(world, units_run_groups(&u, together, again, &records));
    ck_all(world, strcmp(records[0], "{\"sum\": 156}") == 0 &&
                      strcmp(records[1], "{\"sum\": 78}") == 0 &&
                      strcmp(records[2], "{\"sum\": 0}") == 0);
    units_free(&records, 3);
    ck_all_ok(world, par_max_i64(world, again->runs, 3));
    ck_assert(!again->runs[0] && again->runs[1] == 1 && !again->runs[2]);
    free(w);
    free(again);
    agree_remove(world, dir);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("groups");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, split);
    tcase_add_test(t, groups);
    tcase_add_test(t, many);
    tcase_add_loop_test(t, a_rank_of_a_group_fails, 0, 3);
    tcase_add_test(t, by_name);
    return agree_run("groups", t, &world);
}
