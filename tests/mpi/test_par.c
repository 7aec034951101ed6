/* ranks: agreement, broadcast, gather, sums; stopping on request */
#include "mpi/agree.h"
#include "par/preempt.h"

#include <signal.h>

static par *world;

/* the code with which each rank fails, 0: not; the lowest failing rank's error reaches all */
static const err failures[][6] = {
    {ERR_DATA},
    {OK, ERR_IO},
    {OK, ERR_USAGE, ERR_IO},
    {ERR_STOPPED, ERR_FAILED, ERR_FAILED, ERR_DATA, ERR_IO, ERR_USAGE},
    {OK, OK, OK, OK, OK, ERR_DATA},
};

START_TEST(agree) {
    const err *code = failures[_i];
    int first = 0;
    while (first < world->size && code[first] == OK)
        first++;
    err mine = code[world->rank];
    if (mine != OK)
        err_raise(mine, "some/place.c", 100 + world->rank, "rank %d: no good", world->rank);
    err e = par_agree(world, mine);
    char text[64], where[64];
    snprintf(text, sizeof text, "rank %d: no good", first);
    snprintf(where, sizeof where, "place.c:%d", 100 + first);
    int right = first == world->size ? e == OK
                                     : e == code[first] && !strcmp(err_message(), text) &&
                                           !strcmp(err_where(), where);
    ck_all(world, right);
}
END_TEST

START_TEST(all) {
    for (int r = 0; r < world->size; r++)
        ck_assert_int_eq(par_all(world, world->rank != r), 0);
    ck_assert_int_eq(par_all(world, 1), 1);
    ck_assert_int_eq(par_all(world, 1 << 20), 1);
}
END_TEST

static unsigned char pattern(int root, size_t i) {
    return (unsigned char)(i * 31 + (size_t)root * 7 + i / 255);
}

START_TEST(broadcast) {
    static const size_t sizes[] = {0, 1, 4097, 3000000};
    size_t n = sizes[_i];
    unsigned char *x = malloc(n + 1);
    ck_all(world, x != NULL);
    for (int root = 0; root < world->size; root++) {
        for (size_t i = 0; i < n; i++)
            x[i] = world->rank == root ? pattern(root, i) : 0;
        x[n] = 99;
        ck_all_ok(world, par_bcast(world, x, n, root));
        int right = x[n] == 99;
        for (size_t i = 0; i < n; i++)
            right &= x[i] == pattern(root, i);
        ck_all(world, right);
    }
    free(x);
}
END_TEST

START_TEST(broadcast_text) {
    for (int root = 0; root < world->size; root++)
        for (size_t n = 0; n < 3000; n += 1499) {
            char *x = NULL;
            size_t got = 12345;
            if (world->rank == root) {
                got = n;
                x = malloc(n + 1);
                for (size_t i = 0; x && i < n; i++)
                    x[i] = (char)pattern(root, i);
            }
            ck_all_ok(world, par_bcast_alloc(world, &x, &got, root));
            int right = got == n && x != NULL;
            for (size_t i = 0; right && i < n; i++)
                right &= x[i] == (char)pattern(root, i);
            ck_all(world, right);
            free(x);
        }
}
END_TEST

/* rank r gives scale * r bytes: none from rank 0, and from nobody at scale 0 */
START_TEST(gather) {
    size_t scale = (size_t)_i * 1000, mine = scale * (size_t)world->rank, at = 0;
    char *x = mine ? malloc(mine) : NULL, *out;
    for (size_t i = 0; i < mine; i++)
        x[i] = (char)pattern(world->rank, i);
    size_t *offsets;
    ck_all_ok(world, par_allgather(world, x, mine, &out, &offsets));
    int right = 1;
    for (int r = 0; r < world->size; r++) {
        right &= offsets[r] == at;
        for (size_t i = 0; i < scale * (size_t)r; i++)
            right &= out[at + i] == (char)pattern(r, i);
        at += scale * (size_t)r;
    }
    ck_all(world, right && offsets[world->size] == at);
    free(x);
    free(out);
    free(offsets);
}
END_TEST

START_TEST(sums) {
    int64_t R = world->size, r = world->rank, big = (int64_t)1 << 60;
    int64_t x[4] = {r, r % 2 ? -big : big, -1, 7 * r * r}, y[2] = {r, -r};
    double z[2] = {0.5 * (double)r, -(double)r};
    ck_all_ok(world, par_sum_i64(world, x, 4));
    ck_all(world, x[0] == R * (R - 1) / 2 && x[1] == R % 2 * big && x[2] == -R);
    ck_all(world, x[3] == 7 * (R - 1) * R * (2 * R - 1) / 6);
    ck_all_ok(world, par_max_i64(world, y, 2));
    ck_all(world, y[0] == R - 1 && y[1] == 0);
    ck_all_ok(world, par_max_f64(world, z, 2));
    ck_all(world, z[0] == 0.5 * (double)(R - 1) && z[1] == 0);
    ck_all_ok(world, par_sum_i64(world, NULL, 0));
}
END_TEST

/* a world of one inside the world: its collectives wait for nobody */
START_TEST(alone) {
    par *self = NULL;
    ck_all_ok(world, par_self(&self));
    int right = self->rank == 0 && self->size == 1;
    if (world->rank == 0) {
        int64_t x = 5;
        right &= par_sum_i64(self, &x, 1) == OK && x == 5 && par_barrier(self) == OK;
        right &= par_agree(self, ERR_IO) == ERR_IO && par_agree(self, OK) == OK;
    }
    par_close(&self);
    ck_all(world, right && self == NULL);
}
END_TEST

/* last: the request stays */
START_TEST(stops_on_request) {
    preempt_install();
    ck_all(world, !preempt_asked());
    ck_all_ok(world, preempt_agree(world));
    int last = world->rank == world->size - 1;
    if (last)
        raise(SIGUSR1);
    ck_all(world, preempt_asked() == last);
    ck_all(world, preempt_agree(world) == ERR_STOPPED);
    ck_all(world, strstr(err_message(), "start again") != NULL);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("par");
    tcase_add_loop_test(t, agree, 0, sizeof failures / sizeof *failures);
    tcase_add_test(t, all);
    tcase_add_loop_test(t, broadcast, 0, 4);
    tcase_add_test(t, broadcast_text);
    tcase_add_loop_test(t, gather, 0, 3);
    tcase_add_test(t, sums);
    tcase_add_test(t, alone);
    tcase_add_test(t, stops_on_request);
    return agree_run("par", t, &world);
}
