/* cutting a batch into shards, and the tree that their sums are taken in. */
#include "toy.h"
#include "train/shards.h"

START_TEST(shards_are_a_balanced_cut) {
    examples x = toy_examples(200, 1);
    int32_t rows[64];
    for (int i = 0; i < 64; i++)
        rows[i] = (i * 37) % 200;
    for (int B = 1; B <= 64; B += 3)
        for (int n = 1; n <= 9; n++) {
            shard_cut c;
            int64_t all = 0, longest = 0;
            shards_cut(&x, rows, B, n, &c);
            ck_assert_int_eq(c.n, n < B ? n : B);
            ck_assert_int_eq(c.first[0], 0);
            ck_assert_int_eq(c.first[c.n], B);
            for (int s = 0; s < c.n; s++) {
                int64_t tokens = 0;
                ck_assert_int_lt(c.first[s], c.first[s + 1]); /* none is empty */
                for (int i = c.first[s]; i < c.first[s + 1]; i++)
                    tokens += x.offset[rows[i] + 1] - x.offset[rows[i]];
                all += tokens;
                longest = tokens > longest ? tokens : longest;
            }
            /* a shard ends within one sequence (of at most 12 tokens) of its share, at either end
             */
            ck_assert_int_le(longest, all / c.n + 2 * 12);
        }
    examples_free(&x);
}
END_TEST

START_TEST(ranks_share_the_shards_out) {
    for (int n = 1; n <= 20; n++)
        for (int size = 1; size <= 24; size++) {
            ck_assert_int_eq(shards_begin(n, size, 0), 0);
            ck_assert_int_eq(shards_begin(n, size, size), n);
            for (int r = 0; r < size; r++) {
                int mine = shards_begin(n, size, r + 1) - shards_begin(n, size, r);
                ck_assert(mine >= n / size && mine <= (n + size - 1) / size);
            }
        }
}
END_TEST

/* the nodes of the tree of n shards, by the definition, marked in node (n + 1, n + 1) */
static void mark(char node[32][32], char sibling[32][32][32], int lo, int hi) {
    int p = 1;
    node[lo][hi] = 1;
    if (hi - lo == 1)
        return;
    while (2 * p < hi - lo)
        p *= 2;
    sibling[lo][lo + p][hi] = 1;
    mark(node, sibling, lo, lo + p);
    mark(node, sibling, lo + p, hi);
}

START_TEST(nodes_are_those_of_the_tree) {
    static char node[32][32], sibling[32][32][32];
    for (int n = 1; n <= 20; n++) {
        memset(node, 0, sizeof node);
        memset(sibling, 0, sizeof sibling);
        mark(node, sibling, 0, n);
        for (int a = 0; a < n; a++)
            for (int b = a; b <= n; b++) {
                shard_node out[SHARDS_MAX];
                int count = shards_nodes(n, a, b, out), at = a;
                for (int i = 0; i < count; i++) {
                    ck_assert_int_eq(out[i].begin, at);
                    ck_assert(node[out[i].begin][out[i].end]);
                    at = out[i].end;
                    /* as few as there can be: no two of them make one */
                    ck_assert(i == 0 || !shards_siblings(n, out[i - 1], out[i]));
                }
                ck_assert_int_eq(at, b);
            }
        for (int a = 0; a < n; a++)
            for (int b = a + 1; b < n; b++)
                for (int c = b + 1; c <= n; c++)
                    ck_assert_int_eq(shards_siblings(n, (shard_node){a, b}, (shard_node){b, c}) &&
                                         node[a][b] && node[b][c],
                                     sibling[a][b][c]);
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("shards");
    TCase *t = tcase_create("shards");
    tcase_add_test(t, shards_are_a_balanced_cut);
    tcase_add_test(t, ranks_share_the_shards_out);
    tcase_add_test(t, nodes_are_those_of_the_tree);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
