/* the greedy average against Algorithm 3 written down naively, on random scores, whatever ranks
 * speculated; learned averages and barriers against their definitions, the same on any ranks. */
#include "eval/accuracy.h"
#include "io/journal.h"
#include "mpi/agree.h"
#include "soup/barrier.h"
#include "soup/greedy.h"
#include "soup/learned.h"
#include "soup/mix.h"
#include "toy.h"

#include <math.h>
#include <time.h>

enum { N = 5, SETS = 1 << N, HELDOUT = 70, ATTACKED = 20 };

static par *world;
static char folder[4096];
static soup_ingredient list[N];
static examples heldout;
static int32_t probe[ATTACKED];
static int64_t order[ATTACKED];

/* how many of the attacked examples each set of members withstands */
typedef struct scorer {
    const int64_t *table; // (SETS) by bit mask of members
    int fail;             /* rank that raises an error, -1: none */
    int64_t attacks;      /* on this rank */
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

/* the last examples take a while, so that ranks which find no other work speculate */
static err withstand(scorer *s, const encoder *m, int i, int *sturdy) {
    if (s->fail >= 0) { /* the others leave some for the one that fails */
        CHECK(world->rank != s->fail, ERR_FAILED, "rank %d fails", world->rank);
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    if (i + 2 >= ATTACKED)
        nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
    s->attacks++;
    *sturdy = i < s->table[members_of(m)];
    return OK;
}

/* as many at a time as there is room for, what came last first; too many are none of its business
 */
static err withstand_several(void *state, encoder_ws *ws, const encoder *m, const exam_feed *f) {
    int on_way[ATTACKED], n = 0, i = 0, sturdy = 0;
    (void)ws;
    do {
        while (i >= 0 && (n == 0 || n < f->room(f->state))) {
            CALL(f->next(f->state, &i));
            if (i >= 0)
                on_way[n++] = i;
        }
        if (n > 0) {
            CALL(withstand(state, m, on_way[--n], &sturdy));
            CALL(f->done(f->state, on_way[n], sturdy));
        }
    } while (n > 0 || i >= 0);
    return OK;
}

static exam *open_exam(scorer *s, const char *dir) {
    exam *x = NULL;
    const exam_setup setup = {.p = world,
                              .journal_dir = dir,
                              .stage = "heldout",
                              .s = list,
                              .heldout = &heldout,
                              .probe = probe,
                              .order = order,
                              .m = ATTACKED,
                              .attack = withstand_several,
                              .state = s};
    ck_all_ok(world, exam_open(&setup, &x));
    return x;
}

/* Algorithm 3 (arXiv 2310.13191), with the uniform mean; asked (N): the sets it scores; first: the
 * best one. All models are right on all examples, so equal scores keep the list's order. */
static int algorithm_3(const int64_t *table, int strict, int *asked, int *first) {
    int place[N], set, n = 0;
    for (int i = 0; i < N; i++)
        place[i] = i;
    for (int i = 0; i < N; i++) /* bubble sort: stable */
        for (int j = 0; j + 1 < N; j++)
            if (table[1 << place[j + 1]] > table[1 << place[j]]) {
                int t = place[j];
                place[j] = place[j + 1];
                place[j + 1] = t;
            }
    set = 1 << place[0];
    *first = place[0];
    int64_t best = table[set];
    for (int i = 1; i < N; i++) {
        int with = set | 1 << place[i];
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
        table[set] = 8 + (int64_t)rng_below(&r, 4);
}

static const greedy_rule loose = {.weight = 1.0, .guard = 3.0},
                         strict = {.strict = 1, .weight = 1.0, .guard = 3.0};

static void check_round(uint32_t round, const greedy_rule *rule) {
    int64_t table[SETS];
    scorer s = {.table = table, .fail = -1};
    soup_decision d[N];
    int members[N], asked[N], n = 0, first, found = 0, same = 1;
    encoder *m = NULL;
    random_scores(round, table);
    int want = algorithm_3(table, rule->strict, asked, &first);
    exam *x = open_exam(&s, NULL);
    ck_all_ok(world, soup_greedy(x, world, list, N, rule, d, &n, members, &m));
    for (int i = 0; i < N; i++)
        found |= (members[i] != 0) << i;
    ck_all(world, n == N && found == want && members_of(m) == want);
    ck_all(world, d[0].accepted && d[0].step == 0 && d[0].ingredient == first);
    for (int i = 1; i < N; i++) {
        same &= d[i].step == i && d[i].sturdy == table[asked[i - 1]] && d[i].right == HELDOUT;
        same &= d[i].after == (double)d[i].sturdy / ATTACKED;
        same &= d[i].accepted == members[d[i].ingredient];
        same &= d[i].before == (d[i - 1].accepted ? d[i - 1].after : d[i - 1].before) || i == 1;
        same &= d[i].tie == (fabs(d[i].change.difference) <= d[i].change.error);
    }
    ck_all(world, same);
    encoder_destroy(&m);
    exam_close(&x);
}

START_TEST(greedy_is_algorithm_3) {
    for (uint32_t round = 0; round < 10; round++) {
        check_round(round, &loose);
        check_round(round, &strict);
    }
}
END_TEST

static err count_line(void *state, const char *key, int64_t unit, const char *record) {
    (void)key, (void)unit, (void)record;
    ++*(int64_t *)state;
    return OK;
}

static int64_t journal_lines(const char *dir) {
    int64_t n = 0;
    ck_all_ok(world, par_barrier(world));
    ck_all_ok(world, journal_read(dir, "heldout", count_line, &n));
    return n;
}

static int same_decision(const soup_decision *a, const soup_decision *b) {
    return a->ingredient == b->ingredient && a->accepted == b->accepted && a->after == b->after &&
           a->before == b->before && a->sturdy == b->sturdy && a->right == b->right &&
           a->change.gained == b->change.gained && a->change.lost == b->change.lost &&
           strcmp(a->name, b->name) == 0 && strcmp(a->reason, b->reason) == 0;
}

/* as a run that was killed after `keep` lines left it */
static void cut_journals(const char *dir, int keep) {
    ck_all_ok(world, par_barrier(world));
    for (int rank = 0; world->rank == 0 && rank < world->size; rank++) {
        char path[4200], line[512];
        char *text = calloc(1, 1 << 20);
        size_t used = 0;
        snprintf(path, sizeof path, "%s/heldout.%d.log", dir, rank);
        FILE *f = fopen(path, "r");
        for (int i = 0; f && i < keep && fgets(line, sizeof line, f); i++)
            used += (size_t)sprintf(text + used, "%s", line);
        if (f) {
            fclose(f);
            f = fopen(path, "w");
            ck_assert(f && fwrite(text, 1, used, f) == used && fclose(f) == 0);
        }
        free(text);
    }
    ck_all_ok(world, par_barrier(world));
}

/* The journal has exactly the units of the sequential order, however much was speculated; a second
 * run asks nothing, one that was killed asks what is missing, and all decide the same. */
START_TEST(journals_are_sequential) {
    char dir[4096];
    int64_t table[SETS], done[2];
    soup_decision d[3][N];
    const int64_t units = 2 + ATTACKED, want = units * (N + N - 1);
    ck_all_ok(world, path_join(dir, folder, "journal"));
    ck_all_ok(world, dir_make(dir));
    for (int round = 0; round < 4; round++) {
        random_scores(100 + (uint32_t)round, table);
        for (int again = 0; again < 3; again++) {
            scorer s = {.table = table, .fail = -1};
            int members[N], n;
            encoder *m = NULL;
            if (again == 2)
                cut_journals(dir, 17 + round);
            exam *x = open_exam(&s, dir);
            ck_all_ok(world, soup_greedy(x, world, list, N, &loose, d[again], &n, members, &m));
            encoder_destroy(&m);
            done[0] = s.attacks;
            done[1] = exam_speculated(x);
            ck_all_ok(world, par_sum_i64(world, done, 2));
            exam_close(&x);
            ck_all(world, journal_lines(dir) == want);
            ck_all(world, (again != 1) == (done[0] > 0));
            ck_all(world, again != 1 || done[1] == 0);
            ck_all(world, world->size > 1 || done[1] == 0);
            for (int i = 0; i < N; i++)
                ck_all(world, same_decision(&d[0][i], &d[again][i]));
        }
        agree_remove(world, dir);
        ck_all_ok(world, dir_make(dir));
    }
    agree_remove(world, dir);
}
END_TEST

START_TEST(candidates_are_named_by_their_members) {
    char name[SETS][64] = {{0}};
    int64_t table[SETS];
    int distinct = 1;
    for (uint32_t round = 0; round < 4; round++) {
        soup_decision d[N];
        int members[N], asked[N], n, first;
        scorer s = {.table = table, .fail = -1};
        encoder *m = NULL;
        random_scores(round, table);
        algorithm_3(table, 0, asked, &first);
        exam *x = open_exam(&s, NULL);
        ck_all_ok(world, soup_greedy(x, world, list, N, &loose, d, &n, members, &m));
        for (int i = 1; i < N; i++) {
            char *known = name[asked[i - 1]];
            distinct &= !known[0] || strcmp(known, d[i].name) == 0;
            memcpy(known, d[i].name, sizeof name[0]);
        }
        encoder_destroy(&m);
        exam_close(&x);
    }
    for (int i = 0; i < SETS; i++)
        for (int j = 0; j < i; j++)
            distinct &= !name[i][0] || strcmp(name[i], name[j]) != 0;
    ck_all(world, distinct);
}
END_TEST

START_TEST(failures_reach_every_rank) {
    int64_t table[SETS];
    soup_decision d[N];
    int members[N], n;
    encoder *m = NULL;
    random_scores(0, table);
    scorer broken = {.table = table, .fail = world->size - 1};
    exam *x = open_exam(&broken, NULL);
    ck_all(world, soup_greedy(x, world, list, N, &loose, d, &n, members, &m) == ERR_FAILED);
    ck_all(world, strstr(err_message(), "fails") != NULL);
    encoder_destroy(&m);
    exam_close(&x);
    x = open_exam(&broken, NULL);
    ck_all(world, soup_greedy(x, world, list, 0, &loose, d, &n, members, &m) == ERR_FAILED);
    ck_all(world, m == NULL);
    exam_close(&x);
}
END_TEST

/* --- learned averages and barriers -------------------------------------------------------------
 */

enum { TRAINED = 3 };

static soup_ingredient cooked[TRAINED];
static const int all[TRAINED] = {0, 1, 2};

static double loss_of(const double *weights) {
    encoder *m;
    accuracy a;
    ck_ok(soup_mix(cooked, all, weights, TRAINED, &m));
    ck_ok(accuracy_local(m, &heldout, &a));
    encoder_destroy(&m);
    return a.loss;
}

START_TEST(learned_follows_the_gradient) {
    enum { STEPS = 4 };
    learned_setup s = {.p = world,
                       .s = cooked,
                       .index = all,
                       .n = TRAINED,
                       .steps = STEPS,
                       .rate = 0.3,
                       .heldout = &heldout};
    double loss[STEPS + 1], a[STEPS + 1][TRAINED], alone[STEPS + 1], b[STEPS + 1][TRAINED];
    int best, best_alone, good = 1;
    encoder *m = NULL, *m_alone = NULL;
    par *self = NULL;
    ck_all_ok(world, soup_learn(&s, loss, a[0], &best, &m));
    ck_all_ok(world, par_self(&self));
    s.p = self;
    ck_all_ok(world, soup_learn(&s, alone, b[0], &best_alone, &m_alone));
    /* the same bytes on any number of ranks */
    ck_all(world, memcmp(loss, alone, sizeof loss) == 0 && memcmp(a, b, sizeof a) == 0);
    ck_all(world, best == best_alone && toy_same(m, m_alone));
    for (int step = 0; step <= STEPS; step++) {
        const double sum = a[step][0] + a[step][1] + a[step][2];
        good &= fabs(sum - 1.0) < 1e-12 && fabs(loss[step] - loss_of(a[step])) < 1e-6;
        good &= loss[best] <= loss[step];
    }
    ck_all(world, good && loss[STEPS] < loss[0]);
    double moved[TRAINED], want[TRAINED];
    /* Adam's first step goes by the rate against the gradient's sign: by finite differences */
    for (int i = 0; i < TRAINED; i++) {
        double up[TRAINED], down[TRAINED], sum[2] = {0, 0};
        const double h = 1e-2;
        for (int k = 0; k < TRAINED; k++) {
            up[k] = exp(k == i ? h : 0.0);
            down[k] = exp(k == i ? -h : 0.0);
            sum[0] += up[k];
            sum[1] += down[k];
        }
        for (int k = 0; k < TRAINED; k++) {
            up[k] /= sum[0];
            down[k] /= sum[1];
        }
        const double slope = (loss_of(up) - loss_of(down)) / (2 * h);
        /* of equal logits b_i moved by -0.3 sign(slope): up to the softmax's sum */
        moved[i] = log(a[1][i] / a[0][i]);
        want[i] = slope > 0.0 ? -0.3 : 0.3;
    }
    for (int i = 1; i < TRAINED; i++)
        good &= fabs((moved[i] - moved[0]) - (want[i] - want[0])) < 1e-4;
    ck_all(world, good);
    encoder_destroy(&m);
    encoder_destroy(&m_alone);
    par_close(&self);
}
END_TEST

START_TEST(barriers_are_what_they_are) {
    barrier_setup s = {
        .p = world, .s = cooked, .index = all, .n = TRAINED, .points = 3, .heldout = &heldout};
    soup_barrier *b = NULL, *alone = NULL;
    int pairs = 0, good = 1;
    par *self = NULL;
    ck_all_ok(world, soup_barriers(&s, &b, &pairs));
    ck_all(world, pairs == 3);
    for (int i = 0; i < pairs; i++) {
        double high = 0.0;
        good &= b[i].first == (i == 2) && b[i].second == (i == 0 ? 1 : 2);
        for (int k = 0; k < 5; k++) {
            double w[TRAINED] = {0}, alpha = k / 4.0;
            w[b[i].first] = 1.0 - alpha;
            w[b[i].second] = alpha;
            const double loss = b[i].point[k].a.loss, chord = (1.0 - alpha) * b[i].point[0].a.loss +
                                                              alpha * b[i].point[4].a.loss;
            good &= fabs(loss - loss_of(w)) < 1e-12 && b[i].point[k].alpha == alpha;
            high = fmax(high, loss - chord);
        }
        good &= fabs(high - b[i].height) < 1e-15;
    }
    ck_all(world, good);
    ck_all_ok(world, par_self(&self));
    s.p = self;
    ck_all_ok(world, soup_barriers(&s, &alone, &pairs));
    for (int i = 0; i < pairs; i++)
        good &= memcmp(b[i].point, alone[i].point, 5 * sizeof *b->point) == 0;
    ck_all(world, good);
    barriers_free(&b, pairs);
    barriers_free(&alone, pairs);
    par_close(&self);
}
END_TEST

static void save(soup_ingredient *s, const char *name, const encoder *m) {
    snprintf(s->name, sizeof s->name, "%s", name);
    ck_ok(path_join(s->dir, folder, name));
    ck_all_ok(world, world->rank == 0 ? encoder_save(m, s->dir, NULL) : OK);
}

static void setup(void) {
    char name[16];
    agree_folder(world, folder);
    heldout = toy_examples(HELDOUT, 3);
    for (int i = 0; i < ATTACKED; i++) {
        probe[i] = 3 * i;
        order[i] = i;
    }
    float power = 1;
    for (int i = 0; i < N; i++, power *= 10) {
        encoder *m = toy_encoder(2, 0, 1);
        for (size_t j = 0; j < m->n; j++)
            m->block[j] = 1;
        m->p.class_b[0] = power;
        snprintf(name, sizeof name, "v%d", i);
        save(&list[i], name, m);
        encoder_destroy(&m);
    }
    for (int i = 0; i < TRAINED; i++) { /* one that helps, one that does not, one in between */
        encoder *m = toy_encoder(2, 0, 7 + (uint64_t)i);
        m->p.class_b[0] = (float)(i - 1);
        snprintf(name, sizeof name, "t%d", i);
        save(&cooked[i], name, m);
        encoder_destroy(&m);
    }
}

/* every model of ones says class 0 */
static void all_right(void) {
    setup();
    for (int i = 0; i < HELDOUT; i++)
        heldout.label[i] = 0;
}

static void teardown(void) {
    examples_free(&heldout);
    agree_remove(world, folder);
}

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("soup");
    tcase_add_checked_fixture(t, all_right, teardown);
    tcase_add_test(t, greedy_is_algorithm_3);
    tcase_add_test(t, journals_are_sequential);
    tcase_add_test(t, candidates_are_named_by_their_members);
    tcase_add_test(t, failures_reach_every_rank);
    tcase_add_test(t, learned_follows_the_gradient);
    tcase_add_test(t, barriers_are_what_they_are);
    return agree_run("soup", t, &world);
}
