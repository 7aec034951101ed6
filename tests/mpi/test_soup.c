/* the greedy average against Algorithm 3 written down naively, on random scores. */
#include "mpi/agree.h"
#include "soup/soup.h"
#include "toy.h"

enum { N = 5, SETS = 1 << N, EXAMPLES = 100 };

static par *world;
static char folder[4096];
static soup_ingredient list[N];

/* what the score of each set of members is, and what was asked */
typedef struct scorer {
    const int64_t *table; // (SETS) by bit mask of members
    int asked[SETS], calls;
    char name[SETS][64];
    int64_t n;
    int fail; /* rank that raises an error, -1: none */
} scorer;

/* member i's first classifier bias is 10^i and all other weights are 1: the mean tells the members
 */
static int members_of(const encoder *m) {
    for (int set = 1; set < SETS; set++) {
        double sum = 0, power = 1;
        int k = 0;
        for (int i = 0; i < N; i++, power *= 10)
            if (set >> i & 1) {
                sum += power;
                k++;
            }
        if (m->p.class_b[0] == (float)(sum / k))
            return set;
    }
    return 0;
}

static err score(void *state, const char *name, const encoder *m, int64_t *count, int64_t *n) {
    scorer *s = state;
    int set = members_of(m);
    CALL(par_agree(world, world->rank == s->fail ? ERR_FAILED : OK));
    snprintf(s->name[set], sizeof s->name[set], "%s", name);
    s->asked[s->calls++] = set;
    *count = s->table[set];
    *n = s->n;
    return OK;
}

/* Algorithm 3 (arXiv 2310.13191), with the uniform mean; asked (N): the sets it scores. */
static int algorithm_3(const int64_t *table, int strict, int *asked) {
    int order[N], set, n = 0;
    for (int i = 0; i < N; i++)
        order[i] = i;
    for (int i = 0; i < N; i++) /* bubble sort: stable */
        for (int j = 0; j + 1 < N; j++) {
            const soup_ingredient *a = &list[order[j]], *b = &list[order[j + 1]];
            if (b->count > a->count || (b->count == a->count && b->tie > a->tie)) {
                int t = order[j];
                order[j] = order[j + 1];
                order[j + 1] = t;
            }
        }
    set = 1 << order[0];
    int64_t best = list[order[0]].count;
    for (int i = 1; i < N; i++) {
        int with = set | 1 << order[i];
        asked[n++] = with;
        if (table[with] > best || (!strict && table[with] == best)) {
            set = with;
            best = table[with];
        }
    }
    return set;
}

static void random_scores(uint32_t round, int64_t *table) {
    rng_stream r = rng_open(1, RNG_TEST, round, 0);
    for (int set = 0; set < SETS; set++) /* few values, so that many are equal */
        table[set] = 40 + (int64_t)rng_below(&r, 4);
    for (int i = 0; i < N; i++) {
        list[i].count = table[1 << i];
        list[i].n = EXAMPLES;
        list[i].tie = (int64_t)rng_below(&r, 2);
    }
}

static void check_round(uint32_t round, int strict) {
    int64_t table[SETS];
    scorer s = {.table = table, .n = EXAMPLES, .fail = -1};
    soup_decision d[N];
    int members[N], asked[N], found = 0, same = 1;
    encoder *m = NULL;
    random_scores(round, table);
    int want = algorithm_3(table, strict, asked);
    ck_all_ok(world, soup_greedy(world, list, N, strict, score, &s, d, members, &m));
    for (int i = 0; i < N; i++)
        found |= (members[i] != 0) << i;
    ck_all(world, found == want);
    ck_all(world, members_of(m) == want);
    ck_all(world, s.calls == N - 1);
    ck_all(world, memcmp(s.asked, asked, (N - 1) * sizeof *asked) == 0);
    ck_all(world, d[0].accepted && d[0].step == 0 && d[0].after == list[d[0].ingredient].count);
    for (int i = 1; i < N; i++) {
        same &= d[i].step == i && d[i].after == table[asked[i - 1]] && d[i].n == EXAMPLES;
        same &= d[i].accepted == members[d[i].ingredient];
        same &= d[i].before == (d[i - 1].accepted ? d[i - 1].after : d[i - 1].before);
    }
    ck_all(world, same);
    encoder_destroy(&m);
}

START_TEST(greedy_is_algorithm_3) {
    for (uint32_t round = 0; round < 12; round++) {
        check_round(round, 0);
        check_round(round, 1);
    }
}
END_TEST

START_TEST(candidates_are_named_by_their_members) {
    int64_t table[SETS];
    soup_decision d[N];
    int members[N], distinct = 1;
    scorer a = {.table = table, .n = EXAMPLES, .fail = -1}, b = a;
    encoder *m = NULL;
    for (uint32_t round = 0; round < 3; round++) {
        random_scores(round, table);
        ck_all_ok(world, soup_greedy(world, list, N, 0, score, &a, d, members, &m));
        encoder_destroy(&m);
        a.calls = 0;
    }
    random_scores(0, table);
    ck_all_ok(world, soup_greedy(world, list, N, 0, score, &b, d, members, &m));
    encoder_destroy(&m);
    for (int i = 0; i < SETS; i++)
        for (int j = 0; j < SETS; j++) {
            if (b.name[i][0] != '\0')
                distinct &= strcmp(a.name[i], b.name[i]) == 0;
            if (i != j && a.name[i][0] != '\0')
                distinct &= strcmp(a.name[i], a.name[j]) != 0;
        }
    ck_all(world, distinct);
}
END_TEST

START_TEST(failures_reach_every_rank) {
    int64_t table[SETS];
    soup_decision d[N];
    int members[N];
    encoder *m = NULL;
    random_scores(0, table);
    scorer broken = {.table = table, .n = EXAMPLES, .fail = world->size - 1};
    ck_all(world, soup_greedy(world, list, N, 0, score, &broken, d, members, &m) == ERR_FAILED);
    scorer fewer = {.table = table, .n = EXAMPLES - 1, .fail = -1};
    ck_all(world, soup_greedy(world, list, N, 0, score, &fewer, d, members, &m) == ERR_FAILED);
    ck_all(world, strstr(err_message(), "99 examples") != NULL);
    ck_all(world, soup_greedy(world, list, 0, 0, score, &fewer, d, members, &m) == ERR_FAILED);
    ck_all(world, m == NULL);
}
END_TEST

static void setup(void) {
    agree_folder(world, folder);
    float power = 1;
    for (int i = 0; i < N; i++, power *= 10) {
        encoder *m = toy_encoder(2, 0, 1);
        for (size_t j = 0; j < m->n; j++)
            m->block[j] = 1;
        m->p.class_b[0] = power;
        snprintf(list[i].name, sizeof list[i].name, "v%d", i);
        ck_ok(path_join(list[i].dir, folder, list[i].name));
        ck_all_ok(world, world->rank == 0 ? encoder_save(m, list[i].dir, NULL) : OK);
        encoder_destroy(&m);
    }
}

static void teardown(void) {
    agree_remove(world, folder);
}

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("soup");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, greedy_is_algorithm_3);
    tcase_add_test(t, candidates_are_named_by_their_members);
    tcase_add_test(t, failures_reach_every_rank);
    return agree_run("soup", t, &world);
}
