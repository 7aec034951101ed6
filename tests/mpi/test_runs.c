/* runs of work that ranks take from each other: every position once, whoever is slow or late */
#include "mpi/agree.h"
#include "par/runs.h"

#include <unistd.h>

static par *world;

enum { LENGTH = 50 };

/* taken (n) by this rank, at most `most` positions; returns how many */
static int take(runs *r, int64_t *taken, int most) {
    int n = 0;
    for (int64_t at = most > 0 ? runs_next(r) : -1; at >= 0; at = n < most ? runs_next(r) : -1) {
        taken[at]++;
        n++;
    }
    return n;
}

/* the last rank comes when the others are through with everything, its own run included */
START_TEST(late) {
    enum { MOST = 1024 };
    int64_t taken[MOST] = {0}, n = world->size * LENGTH, mine;
    runs *r;
    int comes = world->size == 1 || world->rank < world->size - 1;
    ck_all(world, n <= MOST);
    ck_all_ok(world, runs_open(world, world->rank * LENGTH, (world->rank + 1) * LENGTH, &r));
    mine = comes ? take(r, taken, MOST) : 0;
    ck_all_ok(world, par_barrier(world));
    mine += comes ? 0 : take(r, taken, MOST);
    ck_all(world, comes || mine == 0);
    ck_all(world, runs_next(r) == -1);
    runs_close(&r);
    ck_all_ok(world, par_sum_i64(world, taken, MOST));
    for (int i = 0; i < MOST; i++)
        ck_all(world, taken[i] == (i < n));
}
END_TEST

/* own positions first, in order; of others' none before */
START_TEST(own_first) {
    runs *r;
    int right = 1;
    ck_all_ok(world, runs_open(world, world->rank * 10, world->rank * 10 + 5, &r));
    for (int i = 0; i < 5; i++)
        right &= runs_next(r) == world->rank * 10 + i;
    ck_all(world, right);
    ck_all_ok(world, par_barrier(world));
    ck_all(world, runs_next(r) == -1);
    runs_close(&r);
    ck_all(world, r == NULL);
}
END_TEST

START_TEST(own_first_alone) {
    const par alone = par_alone();
    runs *r;
    ck_all_ok(world, runs_open(&alone, 3, 5, &r));
    ck_all(world, runs_next(r) == 3 && runs_next(r) == 4 && runs_next(r) == -1);
    runs_close(&r);
}
END_TEST

/* ranks at different speeds, runs of different lengths, some of them empty */
START_TEST(uneven) {
    enum { MOST = 1024 };
    int64_t taken[MOST] = {0}, first = 0, n = 0;
    runs *r;
    for (int k = 0; k < world->size; k++) {
        first += k < world->rank ? k % 3 * 20 : 0;
        n += k % 3 * 20;
    }
    ck_all_ok(world, runs_open(world, first, first + world->rank % 3 * 20, &r));
    for (int64_t at = runs_next(r); at >= 0; at = runs_next(r)) {
        taken[at]++;
        usleep(world->rank == 0 ? 2000 : 100);
    }
    runs_close(&r);
    ck_all_ok(world, par_sum_i64(world, taken, MOST));
    for (int i = 0; i < MOST; i++)
        ck_all(world, taken[i] == (i < n));
}
END_TEST

/* one fails: the others get nothing more */
START_TEST(stopped) {
    runs *r;
    ck_all_ok(world, runs_open(world, world->rank * LENGTH, (world->rank + 1) * LENGTH, &r));
    ck_all(world, runs_next(r) >= 0);
    if (world->rank == world->size - 1)
        runs_stop(r);
    ck_all_ok(world, par_barrier(world));
    ck_all(world, runs_next(r) == -1);
    runs_close(&r);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("runs");
    tcase_add_test(t, late);
    tcase_add_test(t, own_first);
    tcase_add_test(t, own_first_alone);
    tcase_add_test(t, uneven);
    tcase_add_test(t, stopped);
    return agree_run("runs", t, &world);
}
