/* the queue in each of its ways: every position once, in order, to nobody after a stop */
#include "mpi/agree.h"
#include "par/queue.h"

enum { WAYS = 3 };

static par *world;

static err drain(queue *q, int64_t *taken, int64_t *count, int *rising) {
    int64_t at, last = -1;
    for (;;) {
        CALL(queue_next(q, &at));
        if (at < 0)
            return OK;
        *rising &= at > last;
        last = at;
        taken[at]++;
        ++*count;
    }
}

START_TEST(each_once) {
    static const int64_t sizes[] = {0, 1, 5, 1000};
    queue_way way = (queue_way)(_i % WAYS);
    int64_t n = sizes[_i / WAYS], count = 0, taken[1000] = {0}, after = 0;
    int rising = 1;
    queue *q = NULL;
    ck_all_ok(world, queue_open_as(world, n, way, &q));
    err e = drain(q, taken, &count, &rising);
    if (e == OK)
        e = queue_next(q, &after);
    ck_all_ok(world, queue_close(&q));
    ck_all_ok(world, e);
    ck_all(world, rising && after == -1 && q == NULL);
    ck_all_ok(world, par_sum_i64(world, taken, 1000));
    int once = 1;
    for (int64_t i = 0; i < 1000; i++)
        once &= taken[i] == (i < n);
    ck_all(world, once);
}
END_TEST

/* no rank can drain this: it ends because one rank stops it */
START_TEST(stop) {
    queue_way way = (queue_way)(_i % WAYS);
    int who = _i / WAYS == 0 ? 0 : world->size - 1;
    int64_t at = 0, count = 0;
    err e = OK;
    queue *q = NULL;
    ck_all_ok(world, queue_open_as(world, INT64_MAX / 2, way, &q));
    while (at >= 0 && e == OK) {
        e = queue_next(q, &at);
        if (world->rank == who && ++count == 3)
            queue_stop(q);
    }
    if (e == OK)
        e = queue_next(q, &at);
    ck_all_ok(world, queue_close(&q));
    ck_all_ok(world, e);
    ck_all(world, at == -1);
}
END_TEST

/* rank 0 holds one unit until the others have done all the rest: nobody waits for it */
START_TEST(rank_0_is_busy) {
    int64_t at = 0, count = 0, taken[100] = {0};
    int rising = 1;
    queue *q = NULL;
    ck_all_ok(world, queue_open_as(world, 100, (queue_way)_i, &q));
    err e = world->rank == 0 ? queue_next(q, &at) : OK;
    ck_all_ok(world, e);
    e = world->rank == 0 ? OK : drain(q, taken, &count, &rising);
    ck_all_ok(world, e);
    int64_t all[2] = {count, 0};
    ck_all_ok(world, par_sum_i64(world, all, 1));
    ck_all(world, all[0] == (world->size > 1 ? 99 : 0));
    ck_all_ok(world, queue_close(&q));
}
END_TEST

/* parts in one queue, ranks at different parts at one time: each position of each part once; the
 * second half of the ranks begins at the end */
START_TEST(parts) {
    static const int64_t n[] = {7, 0, 300, 1};
    int64_t taken[4][300] = {{0}}, after[4];
    queue *q = NULL;
    err e = OK;
    ck_all_ok(world, queue_open_parts(world, n, 4, (queue_way)_i, &q));
    for (int i = 0; i < 4; i++) {
        int k = world->rank * 2 >= world->size ? 3 - i : i;
        for (int64_t at = 0; e == OK;) {
            e = queue_next_of(q, k, &at);
            if (e != OK || at < 0)
                break;
            taken[k][at]++;
        }
        if (e == OK)
            e = queue_next_of(q, k, &after[k]);
    }
    ck_all_ok(world, queue_close(&q));
    ck_all_ok(world, e);
    ck_all_ok(world, par_sum_i64(world, taken[0], 1200));
    int once = 1;
    for (int k = 0; k < 4; k++)
        for (int64_t i = 0; i < 300; i++)
            once &= taken[k][i] == (i < n[k]);
    ck_all(world, once && after[0] == -1 && after[1] == -1 && after[2] == -1 && after[3] == -1);
}
END_TEST

/* queues one after another, and some that nobody takes from */
START_TEST(again_and_again) {
    for (int i = 0; i < 20; i++) {
        int64_t at = 0, sum = 0;
        queue *q = NULL;
        ck_all_ok(world, queue_open_as(world, 3, (queue_way)(i % WAYS), &q));
        for (err e = OK; i % 4 && at >= 0 && e == OK;) {
            e = queue_next(q, &at);
            sum += at + 1;
        }
        ck_all_ok(world, queue_close(&q));
        ck_all_ok(world, par_sum_i64(world, &sum, 1));
        ck_all(world, sum == (i % 4 ? 6 : 0));
    }
    queue *none = NULL;
    ck_all_ok(world, queue_close(&none));
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("queue");
    tcase_add_loop_test(t, each_once, 0, 4 * WAYS);
    tcase_add_loop_test(t, stop, 0, 2 * WAYS);
    tcase_add_loop_test(t, rank_0_is_busy, QUEUE_SHARED, QUEUE_THREAD + 1);
    tcase_add_loop_test(t, parts, 0, WAYS);
    tcase_add_test(t, again_and_again);
    return agree_run("queue", t, &world);
}
