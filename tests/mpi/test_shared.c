/* blocks that a node holds once: all ranks see what one of them wrote; the same where every rank
 * has its own */
#include "mpi/agree.h"
#include "par/shared.h"

static par *world;

START_TEST(one_block_a_node) {
    enum { N = 100003 };
    shared *s;
    ck_all_ok(world, shared_create(world, N, &s));
    ck_all(world, s->bytes == N && s->node->size >= 1 && s->node->rank < s->node->size);
    /* all of these ranks are on one machine */
    ck_all(world, s->node->size == world->size && (s->window != NULL) == (world->size > 1));
    unsigned char *b = s->block;
    for (int turn = 0; turn < 3; turn++) {
        for (int i = s->node->rank; i < N; i += s->node->size)
            b[i] = (unsigned char)(i * 7 + turn);
        ck_all_ok(world, shared_sync(s));
        int same = 1;
        for (int i = 0; i < N; i++)
            same &= b[i] == (unsigned char)(i * 7 + turn);
        ck_all(world, same);
        ck_all_ok(world, shared_sync(s)); /* nobody writes the next turn before all have read */
    }
    shared_destroy(&s);
    ck_all(world, s == NULL);
}
END_TEST

START_TEST(a_block_of_its_own) {
    shared *s;
    ck_all_ok(world, shared_create_own(world, 8, &s));
    ck_all(world, s->node->size == 1 && s->node->rank == 0 && s->window == NULL);
    *(int64_t *)s->block = world->rank;
    ck_all_ok(world, shared_sync(s));
    ck_all_ok(world, par_barrier(world));
    ck_all(world, *(int64_t *)s->block == world->rank);
    shared_destroy(&s);
}
END_TEST

START_TEST(given_back) {
    for (int i = 0; i < 200; i++) {
        shared *s;
        ck_all_ok(world, shared_create(world, 4096, &s));
        shared_destroy(&s);
    }
}
END_TEST

/* without MPI, and of a size that no machine has */
START_TEST(alone_and_too_large) {
    const par alone = par_alone();
    shared *s;
    ck_all_ok(world, shared_create(&alone, 16, &s));
    memset(s->block, 1, 16);
    ck_all_ok(world, shared_sync(s));
    shared_destroy(&s);
    ck_all(world, shared_create(world, (size_t)1 << 60, &s) != OK && s == NULL);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("shared");
    tcase_add_test(t, one_block_a_node);
    tcase_add_test(t, a_block_of_its_own);
    tcase_add_test(t, given_back);
    tcase_add_test(t, alone_and_too_large);
    return agree_run("shared", t, &world);
}
